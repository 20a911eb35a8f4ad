"""The values of tensors in objects and images, as text.

Denormals are read by the printed rule: an object does not say which machine it is for.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dojo_tools.diagnostics import did_you_mean, fail, printable
from dojo_tools.formats import Element, element_named, element_texts, find_element
from dojo_tools.objects import Image, ObjectFile, Section, Symbol

_VALUES_PER_LINE = 8


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A symbol with a type; `note` says why there are no values."""

    symbol: Symbol
    element: str
    shape: tuple[int, ...]
    texts: list[str]
    note: str = ""

    @property
    def head(self) -> str:
        shape = " x ".join(map(str, self.shape))
        place = f"{printable(self.symbol.section or 'undefined')} {self.symbol.value:08x}"
        name, element = printable(self.symbol.name), printable(self.element)
        note = f": {self.note}" if self.note else ""
        return f"{name}: {f'{element} {shape}'.rstrip()}, {place}{note}"

    def lines(self) -> Iterator[str]:
        """Yield the values, the index of the first of each line before it."""
        if not self.texts:
            return
        row = self.shape[-1] if self.shape else 1
        indices = itertools.product(*(range(size) for size in self.shape[:-1]))
        for start, index in zip(range(0, len(self.texts), row), indices, strict=False):
            for first in range(0, row, _VALUES_PER_LINE):
                last = min(first + _VALUES_PER_LINE, row)
                place = [
                    *map(str, index),
                    f"{first}..{last - 1}" if last - first > 1 else f"{first}",
                ]
                values = " ".join(self.texts[start + first : start + last])
                yield f"  [{', '.join(place if self.shape else [])}] {values}"


def list_tensors(file: ObjectFile | Image, elements: Mapping[str, str]) -> Iterator[str]:
    """Yield each tensor's name, type and place, then its values.

    `elements` gives symbols another element type, or one at all; it covers the same bytes. Raises
    `InputError` for a symbol that does not exist or has no size, and for a type that does not fit.
    """
    for tensor in _tensors(file, elements):
        yield tensor.head
        yield from tensor.lines()


def tensor_document(file: ObjectFile | Image, elements: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tensors as values for JSON: numbers as text, in row-major order."""
    return [
        {
            "name": tensor.symbol.name,
            "element": tensor.element,
            "shape": list(tensor.shape),
            "values": None if tensor.note else tensor.texts,
        }
        for tensor in _tensors(file, elements)
    ]


def _tensors(file: ObjectFile | Image, elements: Mapping[str, str]) -> Iterator[_Tensor]:
    types = {tensor.symbol: (tensor.element, tensor.shape) for tensor in file.tensors}
    names = [symbol.name for symbol in file.symbols]
    for name in elements:
        if name not in names:
            message = f"{printable(file.name)} has no symbol `{printable(name)}`"
            raise fail(message, hint=did_you_mean(name, map(printable, names)))
    sections = {section.name: section for section in file.sections}
    for index, symbol in enumerate(file.symbols):
        known = types.get(index)
        if symbol.name in elements:
            known = _chosen(symbol, elements[symbol.name], known)
        if known is not None:
            yield _read(symbol, *known, sections.get(symbol.section or ""))


def _chosen(
    symbol: Symbol, text: str, known: tuple[str, tuple[int, ...]] | None
) -> tuple[str, tuple[int, ...]]:
    """Return another element type for a symbol's bytes, its shape kept where the size is."""
    element = element_named(text)
    before = None if known is None else find_element(known[0])
    if known is not None and before is not None and before.size == element.size:
        return str(element), known[1]
    size = symbol.size
    if size == 0 or size % element.size:
        raise fail(f"symbol `{printable(symbol.name)}` has {size} bytes, no number of {element}")
    return str(element), (size // element.size,)


def _read(symbol: Symbol, element: str, shape: tuple[int, ...], section: Section | None) -> _Tensor:
    type_ = find_element(element)
    note = _why_not(symbol, type_, shape, section)
    if note or type_ is None or section is None:
        return _Tensor(symbol, element, shape, [], note)
    start = symbol.value - section.address
    contents = section.contents[start : start + math.prod(shape) * type_.size]
    return _Tensor(symbol, element, shape, element_texts(contents, type_))


def _why_not(
    symbol: Symbol, type_: Element | None, shape: tuple[int, ...], section: Section | None
) -> str:
    """Return why a tensor has no values to show, or nothing; a file may claim anything."""
    if type_ is None:
        return "unknown element type"
    if section is None:
        return "not in a section of this file"
    start = symbol.value - section.address
    if start < 0 or start + math.prod(shape) * type_.size > section.size:
        return "beyond its section"
    return "all zero" if section.is_bss else ""
