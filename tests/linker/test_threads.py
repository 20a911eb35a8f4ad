"""Threads and shares that objects state, joined and written into images."""

import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.linker import link, merge_files
from dojo_tools.linker.options import LinkOptions
from dojo_tools.objects import (
    Binding,
    Image,
    ObjectFile,
    Section,
    Share,
    Symbol,
    Threads,
    encode_image,
    encode_object,
    read_image,
    read_object,
)


def stating(name: str, threads: Threads | None, program: str | None = None) -> ObjectFile:
    """Return an object with some code, and the threads that it states."""
    section = Section(".text", False, True, True, 4, bytes(4), 4)
    symbol = Symbol(f"code_{name}", ".text", 0, 4, Binding.GLOBAL)
    return ObjectFile(name, (section,), (symbol,), program=program, threads=threads)


def linked(*objects: ObjectFile) -> Image:
    start = Symbol("_start", ".text", 0, 4, Binding.GLOBAL)
    first = ObjectFile("start", (Section(".text", False, True, True, 4, bytes(4), 4),), (start,))
    return read_image(encode_image(link([first, *objects], {})), "image")


SHARED = Threads(3, (Share(0, 2, 1), Share(2, 1)))


def test_an_image_has_the_threads_of_its_program():
    image = linked(stating("one", Threads(3, (Share(2, 1),))), stating("two", SHARED))
    assert image.threads == (SHARED,)
    assert image.threads_of(0) == SHARED


def test_a_program_that_states_nothing_has_one_thread():
    assert linked().threads == ()
    assert linked().threads_of(0) == Threads(1)


def test_a_merged_object_states_what_its_parts_do():
    parts = [stating("one", SHARED), stating("two", None)]
    merged = merge_files(parts, {}, LinkOptions(), "merged")
    assert read_object(encode_object(merged), "merged").threads == SHARED


@pytest.mark.parametrize(
    "other, message",
    [
        (Threads(2), "one states 3 threads, two 2 threads"),
        (Threads(3, (Share(0, 2),)), "the shares of thread 0 in one"),
    ],
)
def test_objects_that_differ_are_both_named(other: Threads, message: str):
    with pytest.raises(InputError, match=message):
        linked(stating("one", SHARED), stating("two", other))


@pytest.mark.parametrize(
    "threads, message",
    [
        (Threads(5), "5 threads"),
        (Threads(2, (Share(2, 1),)), "for 2"),
        (Threads(2, (Share(1, 1), Share(0, 1))), "do not ascend"),
        (Threads(2, (Share(1, 0),)), "0 lanes"),
        (Threads(2, program=1), "one program"),
    ],
)
def test_a_damaged_object_is_refused(threads: Threads, message: str):
    with pytest.raises(InputError, match=message):
        read_object(encode_object(stating("one", threads)), "one")
