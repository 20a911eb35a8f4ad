"""From what a user has, sources, objects, archives or an image, to a linked image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dojo_tools.assembler import assemble
from dojo_tools.description import Description, MachineDef, load_machine
from dojo_tools.diagnostics import Diagnostic, fail, read_source
from dojo_tools.linker import Input, link, load_file
from dojo_tools.objects import Image, is_archive

ELF_MAGIC = b"\x7fELF"
MAGIC_SIZE = 8


def load_program(
    paths: Sequence[Path],
    description: Description,
    include_folders: Sequence[Path] = (),
    defines: Mapping[str, int] | None = None,
    machine: MachineDef | None = None,
    warnings: list[Diagnostic] | None = None,
) -> Image:
    """Return the program that files make: an image, or sources, objects and archives linked.

    Each source becomes an object of its own. The warnings of the assembler are added to
    `warnings`. Raises `InputError`, and `OSError` for an unreadable file.
    """
    machine = machine or load_machine("node")
    files: list[Input] = []
    for path in paths:
        with path.open("rb") as file:
            start = file.read(MAGIC_SIZE)
        if start.startswith(ELF_MAGIC) or is_archive(start):
            found = load_file(path)
            if isinstance(found, Image):
                if len(paths) > 1:
                    raise fail(f"{path} is a linked image: it runs alone")
                return found
            files.append(found)
        else:
            assembly = assemble(read_source(path), description, include_folders, defines or {})
            files.append(assembly.object)
            if warnings is not None:
                warnings += assembly.warnings
    name = str(paths[0]) if paths else "program"
    return link(files, description.relocations, machine.sram_bytes, name=name)
