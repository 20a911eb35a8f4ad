"""How many threads programs run, and what each may issue: `.dojo.threads` of objects and images.

u32 version, u32 programs, then for each: u32 number of the program (0 in objects), u32 threads,
u32 shares, and for each share u32 thread, u32 scalar instructions a cycle, u32 cycles from one
vector instruction to the next, 0 for none
"""

import struct
from collections.abc import Sequence

from dojo_tools.objects.input import Input
from dojo_tools.objects.model import INTERVAL_MAX, LANES_MAX, THREADS_MAX, Share, Threads
from dojo_tools.objects.programs import PROGRAMS_MAX

_VERSION = 1
_HEADER = struct.Struct("<2I")
_PROGRAM = struct.Struct("<3I")
_SHARE = struct.Struct("<3I")


def encode_threads(stated: Sequence[Threads]) -> bytes:
    """Return the contents of `.dojo.threads`."""
    encoded = _HEADER.pack(_VERSION, len(stated))
    for threads in stated:
        encoded += _PROGRAM.pack(threads.program, threads.count, len(threads.shares))
        encoded += b"".join(_SHARE.pack(*share) for share in threads.shares)
    return encoded


def read_threads(table: Input) -> tuple[Threads, ...]:
    """Read `.dojo.threads`: programs ascend, and so do the threads that have shares."""
    version, count = _HEADER.unpack(table.take(0, _HEADER.size, "its header"))
    if version != _VERSION:
        raise table.error(f"version {version} is not known, only {_VERSION}")
    if not 1 <= count <= PROGRAMS_MAX:
        raise table.error(f"{count} programs, expected 1 to {PROGRAMS_MAX}")
    position, found = _HEADER.size, list[Threads]()
    for number in range(count):
        record = table.take(position, _PROGRAM.size, f"record {number}")
        program, threads, size = _PROGRAM.unpack(record)
        position += _PROGRAM.size
        if not 1 <= threads <= THREADS_MAX or size > threads or program >= PROGRAMS_MAX:
            raise table.error(f"record {number}: {threads} threads and {size} shares")
        encoded = table.take(position, size * _SHARE.size, f"the shares of record {number}")
        shares = tuple(Share._make(share) for share in _SHARE.iter_unpack(encoded))
        position += len(encoded)
        _check_shares(table, threads, shares)
        found.append(Threads(threads, shares, program))
    if position != len(table.contents):
        raise table.error(f"{len(table.contents) - position} bytes are left over after the last")
    programs = [threads.program for threads in found]
    if programs != sorted(set(programs)):
        raise table.error("its programs do not ascend")
    return tuple(found)


def _check_shares(table: Input, count: int, shares: Sequence[Share]) -> None:
    threads = [share.thread for share in shares]
    if threads != sorted(set(threads)):
        raise table.error("the threads of its shares do not ascend")
    for thread, lanes, interval in shares:
        if thread >= count or not 1 <= lanes <= LANES_MAX or interval > INTERVAL_MAX:
            raise table.error(f"a share of {lanes} lanes and interval {interval} for {thread}")
