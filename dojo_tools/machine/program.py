"""From what a user has, sources, objects or an image, to a linked image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dojo_tools.assembler import assemble
from dojo_tools.description import Description, MachineDef, load_machine
from dojo_tools.diagnostics import Diagnostic, fail, read_source
from dojo_tools.linker import link
from dojo_tools.objects import Image, ObjectFile, read_elf

ELF_MAGIC = b"\x7fELF"


def load_program(
    paths: Sequence[Path],
    description: Description,
    include_folders: Sequence[Path] = (),
    defines: Mapping[str, int] | None = None,
    machine: MachineDef | None = None,
    warnings: list[Diagnostic] | None = None,
) -> Image:
    """Return the program that files make: one image, or sources and objects linked in order.

    Each source becomes an object of its own. The warnings of the assembler are added to
    `warnings`. Raises `InputError`, and `OSError` for an unreadable file.
    """
    machine = machine or load_machine("node")
    objects: list[ObjectFile] = []
    for path in paths:
        with path.open("rb") as file:
            is_elf = file.read(len(ELF_MAGIC)) == ELF_MAGIC
        if is_elf:
            read = read_elf(path.read_bytes(), str(path))
            if isinstance(read, Image):
                if len(paths) > 1:
                    raise fail(f"{path} is a linked image: it runs alone")
                return read
            objects.append(read)
        else:
            assembly = assemble(read_source(path), description, include_folders, defines or {})
            objects.append(assembly.object)
            if warnings is not None:
                warnings += assembly.warnings
    name = str(paths[0]) if paths else "program"
    return link(objects, description.relocations, machine.sram_bytes, name=name)
