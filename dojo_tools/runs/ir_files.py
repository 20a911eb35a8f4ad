"""The LLVM IR of what a run executes, a file for each translated region, named after its source."""

import errno
import re
from collections.abc import Callable
from pathlib import Path

from dojo_tools.diagnostics import printable
from dojo_tools.engines.translated import Translated
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.objects import ABSOLUTE, PROGRAM_STRIDE_BITS, write_atomically

_UNFIT = re.compile(r"[^\w.$-]+", re.ASCII)
NAME_MAX = 80
"""Characters of a file's or symbol's name that go into the name of a file."""


def ir_writer(folder: Path, program: Callable[[], ProgramView]) -> Callable[[Translated], None]:
    """Return what writes a region of a program into a file of a folder, whole or not at all.

    Code that is translated again, because it has changed, replaces what was there. `OSError` is
    left to the caller.
    """

    def write(region: Translated) -> None:
        if folder.is_file():
            raise NotADirectoryError(errno.ENOTDIR, "it is a file; a folder is needed", str(folder))
        folder.mkdir(parents=True, exist_ok=True)
        view = program()
        line = view.line_at(region.pc)
        place = "no source line" if line is None else f"{line.file}:{line.line}:{line.column}"
        title = f"; {printable(place)}, address 0x{region.pc:x}\n"
        write_atomically(folder / _name(region, view), (title + region.text).encode())

    return write


def ir_writers(folder: Path) -> Callable[[ProgramView], Callable[[Translated], None]]:
    """Return what returns the writer of regions for each program of a mesh."""

    def writer(view: ProgramView) -> Callable[[Translated], None]:
        return ir_writer(folder, lambda: view)

    return writer


def _name(region: Translated, view: ProgramView) -> str:
    """Return a name such as `hello.s-_start-0x100.shape0.quick.ll`.

    It begins with the program where there are several.
    """
    line = view.line_at(region.pc)
    parts = [_fit(view.name)] if len(view.image.programs) > 1 else []
    parts += [] if line is None else [_fit(Path(line.file).name)]
    symbol = _symbol_before(view, region.pc)
    parts += [] if symbol is None else [_fit(symbol)]
    step = ".step" if region.is_stepping else ""
    return f"{'-'.join([*parts, hex(region.pc)])}.shape{region.shape:x}.{region.level}{step}.ll"


def _fit(text: str) -> str:
    return _UNFIT.sub("_", text)[:NAME_MAX]


def _symbol_before(view: ProgramView, pc: int) -> str | None:
    """Return the name of the program's nearest symbol at or before an address."""
    first = view.number << PROGRAM_STRIDE_BITS
    found = [
        symbol
        for symbol in view.image.symbols
        if symbol.section not in (None, ABSOLUTE) and first <= symbol.value <= first + pc
    ]
    return max(found, key=lambda symbol: symbol.value).name if found else None
