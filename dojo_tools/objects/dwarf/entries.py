"""Debugging information entries: units, functions, expansions of macros, labels, variables."""

import bisect
import re
import struct
from collections.abc import Sequence

from dojo_tools.objects.dwarf import numbers as dw
from dojo_tools.objects.dwarf.lines import DIRECTORY, FileTable
from dojo_tools.objects.dwarf.numbers import Strings, unsigned
from dojo_tools.objects.dwarf.units import Function, Unit, Variable
from dojo_tools.objects.model import Binding, Frame, FrameKind, LineEntry, TensorType

PRODUCER = "dojo-ld"

EXPANSION_DEPTH_MAX = 64
"""Of deeper expansions the innermost ones are told."""

_UNIT, _DATA_UNIT, _FUNCTION, _MACRO, _EXPANSION, _LABEL = range(1, 7)
_VARIABLE, _TYPED_VARIABLE, _BASE_TYPE, _ARRAY_TYPE, _EXTENT = range(7, 12)
_LEAF_FUNCTION, _LEAF_EXPANSION = range(12, 14)
_CODED = re.compile(r"(?:cfloat(8)_1_[0-9]_[0-9]|[su]hp)(?:\([0-9]+\))?")
_LEAVES = {_FUNCTION: _LEAF_FUNCTION, _EXPANSION: _LEAF_EXPANSION}
"""Entries of the same attributes without entries inside, which some tools want told apart."""

_NAME = (dw.AT_NAME, dw.FORM_STRING_OFFSET)
_LOW = (dw.AT_LOW_PC, dw.FORM_ADDRESS)
_HIGH = (dw.AT_HIGH_PC, dw.FORM_DATA8)
_EXTERNAL = (dw.AT_EXTERNAL, dw.FORM_FLAG)
_LOCATION = (dw.AT_LOCATION, dw.FORM_EXPRESSION)
_TYPE = (dw.AT_TYPE, dw.FORM_REFERENCE4)
_DATA_UNIT_ATTRIBUTES = (
    (dw.AT_PRODUCER, dw.FORM_STRING_OFFSET),
    (dw.AT_LANGUAGE, dw.FORM_DATA2),
    (dw.AT_NAME, dw.FORM_LINE_STRING),
    (dw.AT_COMP_DIR, dw.FORM_LINE_STRING),
)
_ABBREVIATIONS: dict[int, tuple[int, bool, tuple[tuple[int, int], ...]]] = {
    _UNIT: (
        dw.TAG_COMPILE_UNIT,
        True,
        (
            *_DATA_UNIT_ATTRIBUTES,
            _LOW,
            (dw.AT_RANGES, dw.FORM_SECTION_OFFSET),
            (dw.AT_STMT_LIST, dw.FORM_SECTION_OFFSET),
        ),
    ),
    _DATA_UNIT: (dw.TAG_COMPILE_UNIT, True, _DATA_UNIT_ATTRIBUTES),
    _FUNCTION: (dw.TAG_SUBPROGRAM, True, (_NAME, _EXTERNAL, _LOW, _HIGH)),
    _MACRO: (dw.TAG_SUBPROGRAM, False, (_NAME, (dw.AT_INLINE, dw.FORM_DATA1))),
    _EXPANSION: (
        dw.TAG_INLINED_SUBROUTINE,
        True,
        (
            (dw.AT_ABSTRACT_ORIGIN, dw.FORM_REFERENCE4),
            _LOW,
            _HIGH,
            (dw.AT_CALL_FILE, dw.FORM_UNSIGNED),
            (dw.AT_CALL_LINE, dw.FORM_UNSIGNED),
            (dw.AT_CALL_COLUMN, dw.FORM_UNSIGNED),
        ),
    ),
    _LABEL: (dw.TAG_LABEL, False, (_NAME, _LOW)),
    _VARIABLE: (dw.TAG_VARIABLE, False, (_NAME, _EXTERNAL, _LOCATION)),
    _TYPED_VARIABLE: (dw.TAG_VARIABLE, False, (_NAME, _EXTERNAL, _LOCATION, _TYPE)),
    _BASE_TYPE: (
        dw.TAG_BASE_TYPE,
        False,
        (_NAME, (dw.AT_ENCODING, dw.FORM_DATA1), (dw.AT_BYTE_SIZE, dw.FORM_UNSIGNED)),
    ),
    _ARRAY_TYPE: (dw.TAG_ARRAY_TYPE, True, (_TYPE,)),
    _EXTENT: (dw.TAG_SUBRANGE_TYPE, False, ((dw.AT_COUNT, dw.FORM_UNSIGNED),)),
}

_HEADER = struct.Struct("<HBBI")  # version, unit type, address size, offset of the abbreviations
_WORD = struct.Struct("<I")
_UNIT_START = struct.Struct("<BIHII")
_UNIT_CODE = struct.Struct("<QII")
_FUNCTION_ENTRY = struct.Struct("<BIBQQ")
_EXPANSION_ENTRY = struct.Struct("<BIQQ")
_EXPANSION_SIZE_AT = _EXPANSION_ENTRY.size - 8
_LABEL_ENTRY = struct.Struct("<BIQ")
_VARIABLE_ENTRY = struct.Struct("<BIBBBQ")
_NO_MORE = b"\0"

_Path = tuple[Frame, ...]


def encode_abbreviations() -> bytes:
    """Return `.debug_abbrev`, one table for all units."""
    table = bytearray()
    entries = [(code, *entry) for code, entry in _ABBREVIATIONS.items()]
    for code, leaf in _LEAVES.items():
        tag, _, attributes = _ABBREVIATIONS[code]
        entries.append((leaf, tag, False, attributes))
    for code, tag, has_children, attributes in entries:
        table += unsigned(code) + unsigned(tag) + bytes([has_children])
        for attribute, form in attributes:
            table += unsigned(attribute) + unsigned(form)
        table += b"\0\0"
    return bytes(table) + b"\0"


class UnitWriter:
    """Writes the entries of one unit; `files` numbers the sources its expansions name."""

    def __init__(
        self, unit: Unit, files: FileTable, strings: Strings, line_strings: Strings
    ) -> None:
        self._unit = unit
        self._files = files
        self._strings = strings
        self._line_strings = line_strings
        self._unit_contents = bytearray(_WORD.size + _HEADER.size)
        self._macros: dict[str, int] = {}
        self._types: dict[str | tuple[str, tuple[int, ...]], int] = {}
        self._paths: dict[int, _Path] = {}

    def encode(self, lines_at: int, ranges_at: int) -> bytes:
        """Return the unit's part of `.debug_info`; the offsets are those of its other parts."""
        unit, out = self._unit, self._unit_contents
        out += _UNIT_START.pack(
            _UNIT if unit.lines else _DATA_UNIT,
            self._strings.offset_of(PRODUCER),
            dw.LANGUAGE_ASSEMBLER,
            self._line_strings.offset_of(unit.name),
            self._line_strings.offset_of(DIRECTORY),
        )
        if unit.lines:
            out += _UNIT_CODE.pack(0, ranges_at, lines_at)
        self._add_macros()
        starts = [line.offset for line in unit.lines]
        for function in unit.functions:
            first = bisect.bisect_left(starts, function.start)
            # A label may cut a line in two, as within data.
            if first == len(starts) or starts[first] > function.start:
                first -= 1
            last = bisect.bisect_left(starts, function.end)
            self._add_function(function, unit.lines[max(first, 0) : last])
        for variable in unit.variables:
            self._add_variable(variable)
        out += _NO_MORE
        header = _HEADER.pack(dw.VERSION, dw.UNIT_COMPILE, dw.ADDRESS_SIZE, 0)
        out[: _WORD.size + _HEADER.size] = _WORD.pack(len(out) - _WORD.size) + header
        return bytes(out)

    def _add_macros(self) -> None:
        for line in self._unit.lines:
            if line.trail:
                for frame in self._path_of(line):
                    if frame.name not in self._macros:
                        self._macros[frame.name] = len(self._unit_contents)
                        name = self._strings.offset_of(frame.name)
                        self._unit_contents += struct.pack("<BIB", _MACRO, name, dw.INLINED)

    def _path_of(self, line: LineEntry) -> _Path:
        """Return the expansions of macros a line lies in, outermost first."""
        if not line.trail:
            return ()
        path = self._paths.get(id(line.trail))
        if path is None:
            macros = [frame for frame in line.trail if frame.kind is FrameKind.MACRO]
            path = tuple(reversed(macros[:EXPANSION_DEPTH_MAX]))
            self._paths[id(line.trail)] = path
        return path

    def _add_function(self, function: Function, lines: Sequence[LineEntry]) -> None:
        name = self._strings.offset_of(function.name)
        size = function.end - function.start
        opened_at = len(self._unit_contents)
        self._unit_contents += _FUNCTION_ENTRY.pack(
            _FUNCTION, name, function.external, function.start, size
        )
        for label in function.labels:
            name = self._strings.offset_of(label.name)
            self._unit_contents += _LABEL_ENTRY.pack(_LABEL, name, label.value)
        self._add_expansions(function, lines)
        self._close(opened_at, _FUNCTION_ENTRY.size)

    def _close(self, opened_at: int, size: int) -> None:
        """End an entry of `size` bytes: after those inside, or as a leaf where there are none."""
        if len(self._unit_contents) > opened_at + size:
            self._unit_contents += _NO_MORE
        else:
            self._unit_contents[opened_at] = _LEAVES[self._unit_contents[opened_at]]

    def _add_expansions(self, function: Function, lines: Sequence[LineEntry]) -> None:
        """Add nested expansions: each holds the run of lines that share its part of the path."""
        out = self._unit_contents
        path: _Path = ()
        opened: list[tuple[int, int, int]] = []  # entry, its size, first address
        end = function.start

        def close(depth: int) -> None:
            while len(opened) > depth:
                at, size, start = opened.pop()
                struct.pack_into("<Q", out, at + _EXPANSION_SIZE_AT, end - start)
                self._close(at, size)

        for line in lines:
            start = max(line.offset, function.start)
            found = self._path_of(line)
            if found is not path:
                depth = _common_length(found, path)
                close(depth)
                for frame in found[depth:]:
                    entry = _EXPANSION_ENTRY.pack(_EXPANSION, self._macros[frame.name], start, 0)
                    entry += unsigned(self._files.numbers[frame.file])
                    entry += unsigned(frame.line) + unsigned(frame.column)
                    opened.append((len(out), len(entry), start))
                    out.extend(entry)
                path = found
            end = min(line.offset + line.size, function.end)
        close(0)

    def _add_variable(self, variable: Variable) -> None:
        symbol = variable.symbol
        kind = None if variable.tensor is None else self._type_of(variable.tensor)
        self._unit_contents += _VARIABLE_ENTRY.pack(
            _VARIABLE if kind is None else _TYPED_VARIABLE,
            self._strings.offset_of(symbol.name),
            symbol.binding is not Binding.LOCAL,
            1 + dw.ADDRESS_SIZE,
            dw.OPERATION_ADDRESS,
            symbol.value,
        )
        if kind is not None:
            self._unit_contents += _WORD.pack(kind)

    def _type_of(self, tensor: TensorType) -> int | None:
        """Return the offset of the entry of a type, or None where its element is not known."""
        element = self._element_of(tensor.element)
        if element is None or not tensor.shape:
            return element
        key = (tensor.element, tensor.shape)
        if key not in self._types:
            self._types[key] = len(self._unit_contents)
            self._unit_contents += bytes([_ARRAY_TYPE]) + _WORD.pack(element)
            for extent in tensor.shape:
                self._unit_contents += bytes([_EXTENT]) + unsigned(extent)
            self._unit_contents += _NO_MORE
        return self._types[key]

    def _element_of(self, element: str) -> int | None:
        found = _element_encoding(element)
        if found is None:
            return None
        if element not in self._types:
            name = self._strings.offset_of(element)
            self._types[element] = len(self._unit_contents)
            self._unit_contents += struct.pack("<BIBB", _BASE_TYPE, name, *found)
        return self._types[element]


def _common_length(path: _Path, other: _Path) -> int:
    count = 0
    for frame, found in zip(path, other, strict=False):
        if frame != found:
            break
        count += 1
    return count


def _element_encoding(element: str) -> tuple[int, int] | None:
    """Return the encoding and the size of an element type, or None for an unknown one.

    No debugger knows the CFloat formats: it shows their codes.
    """
    coded = _CODED.fullmatch(element)
    if coded is not None:
        return dw.ENCODING_UNSIGNED, 1 if coded[1] else 2
    found = re.fullmatch(r"([a-z]+?)(8|16|32|64)", element)
    if found is None:
        return None
    kinds = {"u": dw.ENCODING_UNSIGNED, "i": dw.ENCODING_SIGNED}
    return kinds.get(found[1], dw.ENCODING_FLOAT), int(found[2]) // 8
