"""The LLVM IR of what a run executes.

There is a file for each translated region, named after its source, and one for the procedures of a
mesh.
"""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dojo_tools.diagnostics import printable
from dojo_tools.engines.translated import Translated
from dojo_tools.machine.program_view import ProgramView
from dojo_tools.objects import ABSOLUTE, PROGRAM_STRIDE_BITS, write_atomically

if TYPE_CHECKING:
    from dojo_tools.machine.mesh import Mesh, WatchProgram

_UNFIT = re.compile(r"[^\w.$-]+", re.ASCII)
NAME_MAX = 80
"""Characters of a file's or symbol's name that go into the name of a file."""


PROCEDURES_NAME = "mesh.procedures.ll"
"""No region's name ends like this."""


def ir_writer(
    folder: Path, program: Callable[[], ProgramView], threads: tuple[int, ...] = ()
) -> Callable[[Translated], None]:
    """Return what writes a region of a program into a file of a folder, whole or not at all.

    `threads` are those that the code is for, none if it is for all. Code that is translated again,
    because it has changed, replaces what was there. `OSError` is left to the caller.
    """

    def write(region: Translated) -> None:
        view = program()
        line = view.line_at(region.pc)
        place = "no source line" if line is None else f"{line.file}:{line.line}:{line.column}"
        title = f"; {printable(place)}, address 0x{region.pc:x}\n"
        _write(folder, _name(region, view, threads), title + region.text)

    return write


def ir_writers(folder: Path) -> "WatchProgram":
    """Return what returns the writer of regions for each program of a mesh."""

    def writer(view: ProgramView, threads: tuple[int, ...]) -> Callable[[Translated], None]:
        return ir_writer(folder, lambda: view, threads)

    return writer


def write_procedures(folder: Path, mesh: "Mesh") -> None:
    """Write the procedures of a mesh into a file of a folder, if the native engine runs them."""
    from dojo_tools.engines.native.mesh import NativeMesh  # noqa: PLC0415  a mesh has loaded it

    if isinstance(mesh.engine, NativeMesh):
        title = "; isa/mesh: the order of events, the network, semaphores and barriers\n"
        _write(folder, PROCEDURES_NAME, title + mesh.engine.procedures_ir())


def _write(folder: Path, name: str, text: str) -> None:
    if folder.is_file():
        raise NotADirectoryError(errno.ENOTDIR, "it is a file; a folder is needed", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, text.encode())


def _name(region: Translated, view: ProgramView, threads: tuple[int, ...]) -> str:
    """Return a name such as `hello.s-_start-0x100.shape0.quick.ll`.

    It begins with the program where there are several, and names the threads that the code is for
    where others of the program have other code.
    """
    line = view.line_at(region.pc)
    parts = [_fit(view.name)] if len(view.image.programs) > 1 else []
    parts += [] if line is None else [_fit(Path(line.file).name)]
    symbol = _symbol_before(view, region.pc)
    parts += [] if symbol is None else [_fit(symbol)]
    who = [f"thread{'_'.join(map(str, threads))}"] if threads else []
    kind = *who, f"shape{region.shape:x}", region.level, *region.variant
    return ".".join(["-".join([*parts, hex(region.pc)]), *kind, "ll"])


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
