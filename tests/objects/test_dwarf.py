"""The debug information of images: what units, functions, expansions and variables it tells of."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest
from elftools.dwarf.die import DIE
from elftools.elf.elffile import ELFFile

from dojo_tools.objects import (
    Binding,
    Frame,
    FrameKind,
    Image,
    LineEntry,
    Section,
    Segment,
    Symbol,
    encode_image,
    read_image,
)
from dojo_tools.objects.dwarf import debug_sections


def test_an_image_is_read_back_without_its_debug_sections(traced_image: Image) -> None:
    encoded = encode_image(traced_image)
    assert read_image(encoded, traced_image.name) == traced_image
    assert encode_image(read_image(encoded, traced_image.name)) == encoded
    bare = encode_image(traced_image, debug=False)
    assert b".debug_info" in encoded
    assert b".debug" not in bare
    assert read_image(bare, traced_image.name) == traced_image


def test_an_image_without_lines_has_none() -> None:
    assert debug_sections(Image("x", 0)) == ()


def entries_of(image: Image, tag: str) -> Iterator[DIE]:
    found = cast("Any", ELFFile(io.BytesIO(encode_image(image)))).get_dwarf_info()
    for unit in found.iter_CUs():
        yield from (die for die in unit.iter_DIEs() if die.tag == tag)


def extents(image: Image, tag: str) -> list[tuple[str, int, int]]:
    """Return name, address and size of the first program's entries of a kind."""
    found: list[tuple[str, int, int]] = []
    for die in entries_of(image, tag):
        attributes = die.attributes
        if "DW_AT_high_pc" in attributes and attributes["DW_AT_low_pc"].value < 1 << 32:
            named = attributes.get("DW_AT_name")
            if named is None:
                origin = cast("Any", die).get_DIE_from_attribute("DW_AT_abstract_origin")
                named = origin.attributes["DW_AT_name"]
            start, size = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"].value
            found.append((named.value.decode(), start, size))
    return found


def test_functions_cover_all_code(traced_image: Image) -> None:
    assert extents(traced_image, "DW_TAG_subprogram") == [
        ("_start", 0x100, 0x18),
        ("helper", 0x118, 8),
        (".text", 0x120, 4),
        (".text", 0x140, 12),
    ]


def test_expansions_nest_as_their_trails_do(traced_image: Image) -> None:
    assert extents(traced_image, "DW_TAG_inlined_subroutine") == [
        ("outer", 0x104, 0x10),
        ("inner", 0x104, 0xC),
        ("outer", 0x114, 4),
        ("inner", 0x114, 4),
    ]


def test_variables_have_types_and_addresses(traced_image: Image) -> None:
    names = [
        die.attributes["DW_AT_name"].value for die in entries_of(traced_image, "DW_TAG_base_type")
    ]
    assert names == [b"bf16", b"i32"] * 2
    found: dict[str, tuple[int, str]] = {}
    for die in entries_of(traced_image, "DW_TAG_variable"):
        attributes = die.attributes
        address = int.from_bytes(attributes["DW_AT_location"].value[1:], "little")
        kind = "none"
        if "DW_AT_type" in attributes:
            kind = cast("Any", die).get_DIE_from_attribute("DW_AT_type").tag
        if address < 1 << 32:
            found[attributes["DW_AT_name"].value.decode()] = (address, kind)
    assert found == {
        "table": (0x180, "DW_TAG_array_type"),
        "scale": (0x190, "DW_TAG_base_type"),
        "plain": (0x194, "none"),
    }


@pytest.mark.parametrize(
    "element, encoding, size",
    [
        ("cfloat8_1_4_3(7)", 7, 1),
        ("cfloat8_1_5_2(63)", 7, 1),
        ("shp(0)", 7, 2),
        ("uhp", 7, 2),
        ("bf16", 4, 2),
        ("f32", 4, 4),
        ("i64", 5, 8),
    ],
)
def test_codes_of_our_own_are_unsigned(
    traced_image: Image, element: str, encoding: int, size: int
) -> None:
    tensors = tuple(replace(t, element=element) for t in traced_image.tensors)
    for die in entries_of(replace(traced_image, tensors=tensors), "DW_TAG_base_type"):
        found = die.attributes
        assert found["DW_AT_name"].value == element.encode()
        assert found["DW_AT_encoding"].value == encoding
        assert found["DW_AT_byte_size"].value == size


def large_image(count: int) -> Image:
    """Return an image of `count` lines, every fourth from a macro."""
    trail = (Frame(FrameKind.MACRO, "step", "a.s", 7, 5),)
    lines = tuple(
        LineEntry(".text", 0x100 + 4 * i, 4, "a.s", i % 5000, 5, trail if i % 4 == 0 else ())
        for i in range(count)
    )
    contents = bytes(4 * count)
    return Image(
        "large",
        0x100,
        (Segment(0x100, contents, len(contents), False, True),),
        tuple(Symbol(f"f{i}", ".text", 0x100 + 64 * i) for i in range(count // 16)),
        lines,
        (),
        (Section(".text", False, True, True, 4, contents, len(contents), 0x100),),
    )


def test_lines_cost_microseconds_each() -> None:
    image = large_image(60_000)
    started = time.process_time()
    debug_sections(image)
    assert time.process_time() - started < 2  # aim: 1


def test_lines_that_overlap_are_cut_apart() -> None:
    text = Section(".text", False, True, True, 4, bytes(16), 16, 0x100)
    lines = (
        LineEntry(".text", 0x100, 16, "a.s", 1, 1),
        LineEntry(".text", 0x104, 4, "b.s", 2, 1),
        LineEntry(".text", 0x104, 2, "a.s", 3, 1),
    )
    segments = (Segment(0x100, bytes(16), 16, False, True),)
    symbols = (Symbol("_start", ".text", 0x100, 0, Binding.GLOBAL),)
    image = Image("x", 0x100, segments, symbols, lines, (), (text,))
    assert extents(image, "DW_TAG_subprogram") == [("_start", 0x100, 6)]
