"""What the code of a program can ask for: found in its executable segments, without running it."""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from dojo_tools.bits import extract, mask
from dojo_tools.description import Description, Instruction
from dojo_tools.description.semantics import (
    Expression,
    Interact,
    walk_expression,
    walk_statements,
)
from dojo_tools.machine.program_view import RETURN_ADDRESS
from dojo_tools.objects import PROGRAM_STRIDE_BITS, Image

ALL = frozenset(range(64))
"""All semaphores: what an instruction may post whose semaphore is in a register."""

_HERE = ("semaphore_post",)
_ANYWHERE = ("semaphore_post_at", "transfer", "push_register")


@dataclass(frozen=True, slots=True)
class Posts:
    """The semaphores that a program's threads may post: on their own node, and on any node."""

    here: frozenset[int] = frozenset()
    anywhere: frozenset[int] = frozenset()


def makes_requests(image: Image, description: Description) -> bool:
    """Return whether some instruction of an image asks the machine around its thread for something.

    Code that a program writes itself, or that stands among its data, is not seen.
    """
    programs = range(max(len(image.programs), 1))
    return any(
        True
        for number in programs
        for instruction in _instructions(image, description, number)
        for _ in _interactions(instruction)
    )


def find_posts(image: Image, description: Description, number: int) -> Posts:
    """Return what a program may post by its instructions; lists of transfers are not looked at."""
    return _all_posts(_instructions(image, description, number))


def find_posts_from(image: Image, description: Description, number: int, start: int) -> Posts:
    """Return what a thread of a program may post by its instructions from an address on.

    All of the program where it may jump anywhere, or start a thread.
    """
    code = dict(_words(image, number))
    reached = _reached(code, description, start)
    if reached is None:
        return find_posts(image, description, number)
    decoded = (description.decode(word) for word in {code[address] for address in reached})
    return _all_posts(instruction for instruction in decoded if instruction is not None)


def _all_posts(instructions: Iterable[Instruction]) -> Posts:
    found = [_posts_of(instruction) for instruction in instructions]
    return Posts(
        frozenset(number for posts in found for number in posts.here),
        frozenset(number for posts in found for number in posts.anywhere),
    )


def _reached(code: Mapping[int, int], description: Description, start: int) -> set[int] | None:
    """Return the addresses that may run after one; None where that may be anything.

    What jumps to `ra` returns, to behind any call of the program.
    """
    file, index = description.register_names[RETURN_ADDRESS]
    link = f"{file.name}{index}"
    steps = {word: _step(description.decode(word), link) for word in set(code.values())}
    behind_calls = [address + 4 for address, word in code.items() if steps[word].is_call]
    reached: set[int] = set()
    waiting = [start]
    while waiting:
        address = waiting.pop()
        if address in reached or address not in code:
            continue
        reached.add(address)
        step = steps[code[address]]
        if step.is_anywhere:
            return None
        waiting += [address + offset for offset in step.offsets]
        waiting += behind_calls if step.returns else ()
    return reached


@dataclass(frozen=True, slots=True)
class _Step:
    """Where control may go from an instruction: `offsets` from it, or elsewhere."""

    offsets: tuple[int, ...] = ()
    is_call: bool = False
    returns: bool = False
    is_anywhere: bool = False


def _step(instruction: Instruction | None, link: str) -> _Step:
    if instruction is None:
        return _Step()
    from dojo_tools.engines.native.flow import flow_of, targets_of  # noqa: PLC0415  loads LLVM

    definition = instruction.definition
    values = dict(zip(definition.operands, instruction.values, strict=True))
    flow = flow_of(definition)
    registers = {kind.name: f"{kind.file}{value}" for kind, value in values.items()}
    is_call = flow.links is not None and registers[flow.links] == link
    returns = flow.is_indirect and not is_call and link in registers.values()
    starts = any(found.interaction == "thread_start" for found in _interactions(instruction))
    offsets = [*targets_of(instruction, 0, flow)]
    if flow.falls_through or is_call:
        offsets.append(4)
    return _Step(tuple(offsets), is_call, returns, (flow.is_indirect and not returns) or starts)


def _posts_of(instruction: Instruction) -> Posts:
    """Return what an instruction may post."""
    here: set[int] = set()
    anywhere: set[int] = set()
    for interact in _interactions(instruction):
        if interact.interaction in _HERE:
            here |= _semaphores(instruction, interact.arguments[0], is_packed=False)
        elif interact.interaction == "semaphore_post_at":
            anywhere |= _semaphores(instruction, interact.arguments[1], is_packed=False)
        elif interact.interaction in _ANYWHERE:
            anywhere |= _semaphores(instruction, interact.arguments[-1], is_packed=True)
    return Posts(frozenset(here), frozenset(anywhere))


def post_addresses(image: Image, description: Description, number: int) -> dict[int, list[int]]:
    """Return where a program's code may post each semaphore that it names, by address."""
    posted: dict[int, frozenset[int]] = {}
    found: dict[int, list[int]] = {}
    for address, word in _words(image, number):
        if word not in posted:
            instruction = description.decode(word)
            posted[word] = frozenset() if instruction is None else _posted_by(instruction)
        if posted[word] != ALL:
            for semaphore in posted[word]:
                found.setdefault(semaphore, []).append(address)
    return found


def _posted_by(instruction: Instruction) -> frozenset[int]:
    """Return the semaphores that an instruction may post, here or elsewhere."""
    posts = _posts_of(instruction)
    return posts.here | posts.anywhere


def _instructions(image: Image, description: Description, number: int) -> Iterator[Instruction]:
    """Yield the instructions of a program, each word once."""
    for word in {word for _, word in _words(image, number)}:
        instruction = description.decode(word)
        if instruction is not None:
            yield instruction


def _words(image: Image, number: int) -> Iterator[tuple[int, int]]:
    """Yield the words of a program's code with their SRAM offsets."""
    for segment in image.segments:
        if segment.executable and segment.address >> PROGRAM_STRIDE_BITS == number:
            whole = len(segment.contents) // 4 * 4
            start = segment.address & mask(PROGRAM_STRIDE_BITS)
            words = struct.iter_unpack("<I", segment.contents[:whole])
            yield from ((start + 4 * index, word) for index, (word,) in enumerate(words))


def _interactions(instruction: Instruction) -> Iterator[Interact]:
    for statement in walk_statements(instruction.definition.meaning.statements):
        if isinstance(statement, Interact):
            yield statement


def _semaphores(
    instruction: Instruction, argument: Expression, *, is_packed: bool
) -> frozenset[int]:
    """Return the semaphores that an argument may name; a packed one may name none."""
    values = dict(
        zip(
            (kind.name for kind in instruction.definition.operands),
            instruction.values,
            strict=True,
        )
    )
    inner = list(walk_expression(argument))
    named = [values[str(part.detail)] for part in inner if part.operator == "operand"]
    if named:
        return frozenset(named)
    if any(part.operator != "literal" for part in inner):
        return ALL
    literal = inner[-1].detail
    if is_packed or not isinstance(literal, int):
        return frozenset()
    return frozenset([literal])


def semaphores_of(packed: int) -> frozenset[int]:
    """Return the semaphores that the last argument of a transfer names."""
    ends = (extract(packed, 7, 0), extract(packed, 15, 8), extract(packed, 23, 16))
    return frozenset(number - 1 for number in ends if number)
