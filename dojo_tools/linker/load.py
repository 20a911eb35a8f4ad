"""Reading the files that are to be linked, and saying what a file is that can't be."""

from pathlib import Path

from dojo_tools.diagnostics import fail, printable
from dojo_tools.linker.inputs import Input, read_input
from dojo_tools.linker.options import FILE_SIZE_MAX
from dojo_tools.objects import Image, is_archive

_ELF_MAGIC = b"\x7fELF"
_TEXT = frozenset(range(32, 127)) | frozenset(b"\t\n\r\f")
_LOOKED_AT = 512


def load_input(path: Path) -> Input:
    """Read an object or an archive. Raises `InputError`, and `OSError` if it is unreadable."""
    found = load_file(path)
    if isinstance(found, Image):
        raise fail(
            f"{printable(str(path))}: a linked image can't be linked again",
            hint="give the objects and archives it was made of",
        )
    return found


def load_file(path: Path) -> Input | Image:
    """Read an object, an archive or an image. Raises `InputError` and `OSError`."""
    with path.open("rb") as file:
        contents = file.read(FILE_SIZE_MAX + 1)
    shown = printable(str(path))
    if len(contents) > FILE_SIZE_MAX:
        raise fail(f"{shown}: larger than {FILE_SIZE_MAX >> 20} MiB")
    if not contents:
        raise fail(f"{shown}: an empty file, expected an object or archive")
    if not contents.startswith(_ELF_MAGIC) and not is_archive(contents):
        if _TEXT.issuperset(contents[:_LOOKED_AT]):
            raise fail(
                f"{shown}: a text, expected an object or archive",
                hint=f"if it is assembly, make an object of it: `dojo-as {shown}`",
            )
        raise fail(f"{shown}: neither an object nor an archive")
    return read_input(contents, str(path))
