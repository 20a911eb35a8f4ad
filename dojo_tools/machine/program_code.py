"""What the code of a program can ask for: found in its executable segments, without running it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from dojo_tools.bits import extract, mask
from dojo_tools.description import Description, Instruction
from dojo_tools.description.semantics import (
    Expression,
    Interact,
    walk_expression,
    walk_statements,
)
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
    found = [_posts_of(instruction) for instruction in _instructions(image, description, number)]
    return Posts(
        frozenset(number for posts in found for number in posts.here),
        frozenset(number for posts in found for number in posts.anywhere),
    )


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
