"""From what a user has, sources, objects, archives or an image, to a linked image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from dojo_tools.description import Description, MachineDef, load_machine
from dojo_tools.diagnostics import Diagnostic, fail, read_source
from dojo_tools.objects import Image, is_archive, read_elf

ELF_MAGIC = b"\x7fELF"
MAGIC_SIZE = 8
IMAGE_SIZE_MAX = 1 << 26
"""Larger files are left to the linker, which refuses what is too large for it."""


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
    # An image needs neither assembler nor linker, which take 100 ms to load.
    if len(paths) == 1:
        image = _load_image(paths[0])
        if image is not None:
            return image

    from dojo_tools.linker import Input, link, load_file  # noqa: PLC0415  see above

    machine = machine or load_machine("node")
    files: list[Input] = []
    for path in paths:
        if _is_binary(path):
            found = load_file(path)
            if isinstance(found, Image):
                raise fail(f"{path} is a linked image: it runs alone")
            files.append(found)
        else:
            from dojo_tools.assembler import assemble  # noqa: PLC0415  see above

            assembly = assemble(read_source(path), description, include_folders, defines or {})
            files.append(assembly.object)
            if warnings is not None:
                warnings += assembly.warnings
    name = str(paths[0]) if paths else "program"
    return link(files, description.relocations, machine.sram_bytes, name=name)


def _is_binary(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(MAGIC_SIZE)
    return start.startswith(ELF_MAGIC) or is_archive(start)


def _load_image(path: Path) -> Image | None:
    """Return a file as an image, or None if it is something else, or too large for one."""
    with path.open("rb") as file:
        contents = file.read(IMAGE_SIZE_MAX + 1)
    if not contents.startswith(ELF_MAGIC) or len(contents) > IMAGE_SIZE_MAX:
        return None
    found = read_elf(contents, str(path))
    return found if isinstance(found, Image) else None
