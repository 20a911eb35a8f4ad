"""The LLVM IR of what a run executes, a file for each translated region, named after its source."""

import re
from collections.abc import Callable
from pathlib import Path

from dojo_tools.diagnostics import printable
from dojo_tools.engines.translated import Translated
from dojo_tools.machine import Machine
from dojo_tools.objects import ABSOLUTE, Image, write_atomically

_UNFIT = re.compile(r"[^\w.$-]+", re.ASCII)
NAME_MAX = 80
"""Characters of a file's or symbol's name that go into the name of a file."""


def ir_writer(folder: Path, machine: Callable[[], Machine]) -> Callable[[Translated], None]:
    """Return what writes a region into a file of a folder, whole or not at all.

    Code that is translated again, because it has changed, replaces what was there. `OSError` is
    left to the caller.
    """

    def write(region: Translated) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        made = machine()
        line = made.line_at(region.pc)
        place = "no source line" if line is None else f"{line.file}:{line.line}:{line.column}"
        title = f"; {printable(place)}, address 0x{region.pc:x}\n"
        write_atomically(folder / _name(region, made), (title + region.text).encode())

    return write


def _name(region: Translated, machine: Machine) -> str:
    """Return a name such as `hello.s-_start-0x100.shape0.quick.ll`."""
    line = machine.line_at(region.pc)
    parts = [] if line is None else [_fit(Path(line.file).name)]
    symbol = _symbol_before(machine.image, region.pc)
    parts += [] if symbol is None else [_fit(symbol)]
    step = ".step" if region.is_stepping else ""
    return f"{'-'.join([*parts, hex(region.pc)])}.shape{region.shape:x}.{region.level}{step}.ll"


def _fit(text: str) -> str:
    return _UNFIT.sub("_", text)[:NAME_MAX]


def _symbol_before(image: Image, pc: int) -> str | None:
    """Return the name of the nearest symbol at or before an address."""
    found = [s for s in image.symbols if s.section not in (None, ABSOLUTE) and s.value <= pc]
    return max(found, key=lambda symbol: symbol.value).name if found else None
