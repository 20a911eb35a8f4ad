"""Reading ordinary `ar` archives that anyone may have written.

An archive is `!<arch>\\n` and then members, each a header of 60 bytes of text and its contents,
padded to an even offset. Long names stand in a member `//` (GNU) or before the contents (BSD,
`#1/length`). The symbol index (`/`, `/SYM64/`, `__.SYMDEF`) is skipped: the members' own symbol
tables say the same and can't disagree with them. Members never share bytes, so what is read is no
more than the file. Every problem is an `InputError`.
"""

import re
from dataclasses import dataclass

from dojo_tools.objects.input import Input, quoted

ARCHIVE_MAGIC = b"!<arch>\n"
THIN_MAGIC = b"!<thin>\n"
MEMBERS_MAX = 65536

_HEADER_SIZE = 60
_HEADER_END = b"`\n"
_NUMBER = re.compile(rb"[0-9]{1,10} *")
_GNU_NAME = re.compile(rb"/([0-9]{1,10})")
_BSD_NAME = re.compile(rb"#1/([0-9]{1,10})")
_INDICES = (b"/", b"/SYM64/")
_BSD_INDICES = ("__.SYMDEF", "__.SYMDEF SORTED", "__.SYMDEF_64", "__.SYMDEF_64 SORTED")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. Names need not be unique."""

    name: str
    contents: bytes


def is_archive(contents: bytes) -> bool:
    """Return whether bytes start like an archive, an ordinary or a thin one."""
    return contents.startswith((ARCHIVE_MAGIC, THIN_MAGIC))


def read_archive(contents: bytes, name: str) -> tuple[Member, ...]:
    """Return the members in order, without index and table of names. Raises `InputError`."""
    file = Input(name, contents)
    if contents.startswith(THIN_MAGIC):
        raise file.error("a thin archive, whose members lie elsewhere; make it without `--thin`")
    if not contents.startswith(ARCHIVE_MAGIC):
        raise file.error("not an archive")
    members: list[Member] = []
    long_names: bytes | None = None
    names_size = 0  # members may share a long name, so a few bytes can spell out very much text
    offset = len(ARCHIVE_MAGIC)
    while offset < len(contents):
        raw_name, size = _read_header(file, offset)
        start = offset + _HEADER_SIZE
        place = f"the member at 0x{offset:x}"
        body = file.take(start, size, f"the contents of {place}")
        offset = start + size + size % 2
        if raw_name == b"//":
            if long_names is not None:
                raise file.error(f"{place} is a second table of names")
            long_names = body
            continue
        if raw_name in _INDICES:
            continue
        member_name, body = _name_member(file, place, raw_name, body, long_names)
        if member_name in _BSD_INDICES:
            continue
        names_size += len(member_name)
        if names_size > 4 * len(contents):
            raise file.error("the names of its members take far more bytes than it has")
        if len(members) == MEMBERS_MAX:
            raise file.error(f"more than {MEMBERS_MAX} members")
        members.append(Member(member_name, body))
    return tuple(members)


def _read_header(file: Input, offset: int) -> tuple[bytes, int]:
    """Return the name as it stands in a header, and the size of the contents."""
    header = file.take(offset, _HEADER_SIZE, f"the header of the member at 0x{offset:x}")
    name, size, end = header[:16].rstrip(b" "), header[48:58], header[58:]
    if end != _HEADER_END:
        raise file.error(f"no member starts at 0x{offset:x}: its header ends in {end.hex(' ')}")
    if not _NUMBER.fullmatch(size):
        raise file.error(
            f"the member at 0x{offset:x} has the size {quoted(size.decode('latin-1'))}, "
            "expected a decimal number"
        )
    return name, int(size)


def _name_member(
    file: Input, place: str, raw_name: bytes, body: bytes, long_names: bytes | None
) -> tuple[str, bytes]:
    """Return the name of a member, and its contents without the name."""
    if found := _GNU_NAME.fullmatch(raw_name):
        offset = int(found[1])
        if long_names is None or offset >= len(long_names):
            size = 0 if long_names is None else len(long_names)
            raise file.error(
                f"the name of {place} is at 0x{offset:x}, but the table of names has {size} bytes"
            )
        end = long_names.find(b"\n", offset)
        encoded = long_names[offset : end if end >= 0 else None].removesuffix(b"/")
    elif found := _BSD_NAME.fullmatch(raw_name):
        size = int(found[1])
        if size > len(body):
            raise file.error(f"the name of {place} has {size} bytes, the member only {len(body)}")
        encoded, body = body[:size].rstrip(b"\0"), body[size:]
    else:
        encoded = raw_name.removesuffix(b"/")
    if not encoded:
        raise file.error(f"{place} has no name")
    return file.text(encoded), body
