"""Output files appear whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from dojo_tools.objects.model import Image, ObjectFile
from dojo_tools.objects.writer import encode_image, encode_object


def save_object(path: Path, object_file: ObjectFile) -> None:
    """Write an object; `OSError` is left to the caller."""
    write_atomically(path, encode_object(object_file))


def save_image(path: Path, image: Image, debug: bool = True) -> None:
    """Write an image, with DWARF where `debug` asks for it; `OSError` is left to the caller."""
    write_atomically(path, encode_image(image, debug))


def write_atomically(path: Path, contents: bytes) -> None:
    """Write a file by renaming a finished one into its place.

    `OSError` is left to the caller; it names `path`, not the file on the way there. A symbolic
    link stays and its target is replaced. What is not a regular file, such as a pipe or a
    terminal, is written to directly.
    """
    try:
        _write(path, contents)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def _write(path: Path, contents: bytes) -> None:
    if path.exists() and not path.is_file():
        path.write_bytes(contents)
        return
    target = path.resolve()
    temporary = target.with_name(f".dojo-{os.urandom(8).hex()}.tmp")
    try:
        # Opened like any new file, so that the umask sets its permissions.
        with temporary.open("xb") as file:
            file.write(contents)
        temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
