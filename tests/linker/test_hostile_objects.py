"""Objects that anyone may have made or broken: a link ends in an image or in messages."""

import random
from contextlib import suppress

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.linker import (
    Input,
    LinkOptions,
    link_files,
    list_dropped,
    list_map,
    list_memory,
    merge_files,
    read_input,
)
from dojo_tools.objects import (
    Image,
    encode_image,
    encode_object,
    read_image,
    read_object,
)

SOURCES = {
    "main.s": """
        .extern scale, buffer
        .global _start
        _start: call scale
                la a1, buffer
                halti 0
        .semaphore ready
        """,
    "scale.s": """
        .global scale
        scale:  ret
        .common buffer, 64, 64
        .section .text.spare, "ax"
        spare:  beqz a0, spare
        """,
    "rim.s": """
        .program rim
        .place 0, 0, 2, 2
        .global halo
        .data
        .align 64
        halo: .tensor f32, 4, 4
        .dword halo@(1, 1)
        .biasreg bias
        """,
}
HEADER_SIZE = 64
ROUNDS = 1500


@pytest.fixture(scope="module")
def description() -> Description:
    return load_description()


def mutated(chosen: random.Random, encoded: bytes) -> bytes:
    """Return bytes of which a few are others."""
    contents = bytearray(encoded)
    for _ in range(chosen.randrange(3)):
        place = chosen.randrange(HEADER_SIZE, len(contents))
        contents[place] = chosen.choice([0, 1, 0x80, 0xFF, contents[place] ^ 1])
    return bytes(contents)


def try_to_link(files: list[Input], description: Description, options: LinkOptions) -> bool:
    """Return whether objects link; list, write and read back what came out."""
    with suppress(InputError):
        made = encode_object(merge_files(files, description.relocations, options, "r.o"))
        read_object(made, "r.o")
    with suppress(InputError):
        linked = link_files(files, description.relocations, options)
        for lines in (list_map, list_memory, list_dropped):
            assert all(line.isprintable() for line in lines(linked.units))
        read_image(encode_image(linked.image), "a.img")
        return True
    return False


def test_broken_objects_link_or_are_refused(description: Description) -> None:
    chosen = random.Random(3)
    encoded = {
        name: encode_object(assemble(Source(name, text), description).object)
        for name, text in SOURCES.items()
    }
    linked_count = 0
    for _ in range(ROUNDS):
        files: list[Input] = []
        with suppress(InputError):
            for name, contents in encoded.items():
                found = read_input(mutated(chosen, contents), name)
                if not isinstance(found, Image):
                    files.append(found)
            options = LinkOptions(gc_sections=chosen.random() < 0.3)
            linked_count += try_to_link(files, description, options)
    assert ROUNDS / 20 < linked_count < ROUNDS
