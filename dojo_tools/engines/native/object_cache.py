"""Keeps compiled objects on disk, so that a program is compiled once and not at every start.

An entry is found by what it was made of and says itself which entry it is, how long and with which
digest; one that is damaged, cut short or of another name is ignored and made again. Cached objects
are executed, so only a folder that nobody else can write to is used.
"""

import hashlib
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

FORMAT = 1
MAGIC = b"dojo-object\n"
SIZE_MAX = 256 << 20
_DIGEST_SIZE = 32
_HEADER_SIZE = len(MAGIC) + 2 * _DIGEST_SIZE + 8
_SUFFIX = ".obj"
_TRIMS = 8
"""Looks at all entries while as much is saved as there is room for."""


class ObjectCache:
    """Objects by module text and level; `host` names the compiler and the processor.

    Nothing here raises: what can't be read or written is only slower. Sizes in bytes.
    """

    def __init__(self, folder: Path, host: str, size_max: int = SIZE_MAX) -> None:
        self._folder = folder
        self._host = host
        self._size_max = size_max
        self._is_usable: bool | None = None
        self._saved_size: int | None = None  # since the folder was last looked through
        self._has_warned = False

    def load(self, text: str, level: str) -> bytes | None:
        """Return an object, or None if there is no good one."""
        if not self._check_folder():
            return None
        key = self._key(text, level)
        path = self._path(key)
        try:
            entry = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._warn(f"{path.name} can't be read: {error.strerror}")
            return None
        code = _opened(entry, key)
        if code is None:
            self._warn(f"{path.name} is damaged and is made again")
            return None
        with suppress(OSError):
            os.utime(path)  # what was used last is removed last
        return code

    def save(self, text: str, level: str, code: bytes) -> None:
        """Keep an object."""
        if not self._check_folder():
            return
        key = self._key(text, level)
        size = len(code).to_bytes(8, "little")
        entry = b"".join((MAGIC, key, size, hashlib.sha256(code).digest(), code))
        try:
            _write_private(self._path(key), entry)
        except OSError:
            return
        if self._saved_size is None or self._saved_size > self._size_max // _TRIMS:
            self._trim()
            self._saved_size = 0
        self._saved_size += len(entry)

    def _key(self, text: str, level: str) -> bytes:
        digest = hashlib.sha256()
        for part in (str(FORMAT), self._host, level, text):
            encoded = part.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        return digest.digest()

    def _path(self, key: bytes) -> Path:
        return self._folder / f"{key.hex()}{_SUFFIX}"

    def _check_folder(self) -> bool:
        if self._is_usable is None:
            self._is_usable = self._open_folder()
        return self._is_usable

    def _open_folder(self) -> bool:
        """Make the folder if need be; return whether it is this user's alone to write to."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = self._folder.stat()
        except OSError:
            return False
        owner = os.getuid() if hasattr(os, "getuid") else found.st_uid
        if found.st_uid != owner or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            self._warn(f"{self._folder} belongs to somebody else or others can write to it: unused")
            return False
        return True

    def _trim(self) -> None:
        """Remove entries, least recently used first, until they fit; and what a crash left."""
        try:
            with os.scandir(self._folder) as entries:
                found = [
                    (status.st_mtime, status.st_size, e.path)
                    for e in entries
                    if (status := _status_of(e)) is not None
                ]
        except OSError:
            return
        found.sort(reverse=True)
        total = 0
        for _, size, path in found:
            total += size
            if total > self._size_max:
                with suppress(OSError):
                    Path(path).unlink()

    def _warn(self, message: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            sys.stderr.write(f"warning: cache of translations: {message}\n")


def _status_of(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Return the status of a file, None if another process has removed it meanwhile."""
    try:
        return entry.stat(follow_symlinks=False)
    except OSError:
        return None


def _opened(entry: bytes, key: bytes) -> bytes | None:
    """Return the object of an entry, or None if it is not whole or that of another key."""
    start = MAGIC + key
    if len(entry) < _HEADER_SIZE or not entry.startswith(start):
        return None
    code = entry[_HEADER_SIZE:]
    size = len(code).to_bytes(8, "little")
    return (
        code if entry[len(start) : _HEADER_SIZE] == size + hashlib.sha256(code).digest() else None
    )


def _write_private(path: Path, contents: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(contents)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
