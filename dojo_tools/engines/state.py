"""The whole state of a thread and its node: a digest of it, and where two states differ."""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

from dojo_tools.description import Description
from dojo_tools.engines.thread import RegisterValue, Thread
from dojo_tools.engines.timing import Cause

BYTES_SHOWN = 8


class Difference(NamedTuple):
    """A place whose contents differ between two threads, as text."""

    place: str
    first: str
    second: str


def register_places(description: Description) -> Iterator[str]:
    """Yield the plain name of every register, file by file."""
    for file in description.registers:
        for index in range(file.count):
            yield f"{file.name}{index}"


def digest(thread: Thread) -> str:
    """Return the SHA-256 of a thread's state, in hexadecimal.

    It covers the pc, what has retired, cycles and their causes, registers, control registers,
    memory and what was printed, each preceded by its name or size, so that equal digests mean equal
    states.
    """
    hashed = hashlib.sha256()
    for name, value in _counts(thread):
        hashed.update(f"{name} {value}\n".encode())
    for name in register_places(thread.description):
        hashed.update(f"{name} {value_text(thread.read_register(name))}\n".encode())
    for number, value in sorted(thread.controls.items()):
        hashed.update(f"control {number} {value}\n".encode())
    hashed.update(f"memory {thread.memory_size}\n".encode())
    hashed.update(thread.read_memory(0, thread.memory_size))
    for printed in thread.printed:
        text = printed.text.encode()
        hashed.update(f"printed {printed.cycle} {len(text)}\n".encode() + text)
    return hashed.hexdigest()


def differences(first: Thread, second: Thread) -> list[Difference]:
    """Return where the states of two threads of one description differ."""
    found = [
        Difference(name, str(one), str(two))
        for (name, one), (_, two) in zip(_counts(first), _counts(second), strict=True)
        if one != two
    ]
    for name in register_places(first.description):
        one, two = first.read_register(name), second.read_register(name)
        if one != two:
            found.append(Difference(name, value_text(one), value_text(two)))
    controls = first.controls, second.controls
    if controls[0] != controls[1]:
        found += [
            Difference(c.name, hex(controls[0][c.number]), hex(controls[1][c.number]))
            for c in first.description.controls
            if controls[0][c.number] != controls[1][c.number]
        ]
    return found + _memory_differences(first, second) + _printed_differences(first, second)


def _counts(thread: Thread) -> Iterator[tuple[str, int | str]]:
    """Yield the pc and what is counted, each with its name."""
    yield "pc", hex(thread.pc)
    yield "retired", thread.retired
    yield "cycles", thread.cycles
    yield "request", f"{thread.request} to {thread.request.result}"
    causes = thread.causes
    for cause in Cause:
        yield f"cycles of {cause.value}", causes.get(cause, 0)


def _memory_differences(first: Thread, second: Thread) -> list[Difference]:
    """Return the first place of memory that differs."""
    one = first.read_memory(0, first.memory_size)
    two = second.read_memory(0, second.memory_size)
    if one == two:
        return []
    pairs = enumerate(zip(one, two, strict=True))
    address = next(index for index, (left, right) in pairs if left != right)
    shown = slice(address, address + BYTES_SHOWN)
    return [Difference(f"mem[0x{address:x}]", one[shown].hex(), two[shown].hex())]


def _printed_differences(first: Thread, second: Thread) -> list[Difference]:
    """Return the first piece of printed text that differs."""
    if first.printed == second.printed:
        return []
    count = min(len(first.printed), len(second.printed))
    pairs = enumerate(zip(first.printed, second.printed, strict=False))
    index = next((index for index, (one, two) in pairs if one != two), count)
    texts = [str(thread.printed[index : index + 1]) for thread in (first, second)]
    return [Difference(f"printed[{index}]", *texts)]


def value_text(value: RegisterValue) -> str:
    """Return a register's contents: a number, or the bytes of a wide one, lane 0 first."""
    return hex(value) if isinstance(value, int) else value.hex()
