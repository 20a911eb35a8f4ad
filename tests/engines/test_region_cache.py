"""Regions on disk: a warm start writes no IR, and code that differs is never taken for another."""

from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import timeline, translations
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.engines.native.object_cache import ObjectCache
from dojo_tools.linker import link
from dojo_tools.machine import Machine, RunResult

DESCRIPTION = load_description()
LIMIT = 100_000
LOOP = """        .global _start
_start: li a0, 50
        li a1, 3
        li a2, 4
        li a3, 5
again:  mul a1, a1, a2
        div a4, a1, a3
        add a2, a2, a4
        loop.next a0, again
        halti 0
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path) -> Iterator[None]:
    """Use an empty cache."""
    kept = compiler().cache
    compiler().cache = ObjectCache(tmp_path / "native", "host")
    yield
    compiler().cache = kept


def machine(text: str, engine: str = "native", *, timing: bool = True) -> Machine:
    image = link([assemble(Source("t.s", text), DESCRIPTION).object], DESCRIPTION.relocations)
    return Machine(image, DESCRIPTION, engine=engine, timing=timing)


def outcome(text: str, engine: str = "native", *, timing: bool = True) -> tuple[RunResult, object]:
    made = machine(text, engine, timing=timing)
    return made.run(LIMIT), made.read_register("a2")


def write_no_ir(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where IR would be written."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("IR was written")

    monkeypatch.setattr(translations, "RegionBuilder", refuse)


@pytest.mark.parametrize("timing", [True, False])
def test_a_warm_start_writes_no_ir(monkeypatch: pytest.MonkeyPatch, timing: bool):
    cold = outcome(LOOP, timing=timing)
    write_no_ir(monkeypatch)
    assert outcome(LOOP, timing=timing) == cold == outcome(LOOP, "reference", timing=timing)


def test_timing_is_part_of_what_is_kept():
    assert outcome(LOOP, timing=False) == outcome(LOOP, "reference", timing=False)
    assert outcome(LOOP) == outcome(LOOP, "reference")


@pytest.mark.parametrize(
    "old, new",
    [
        ("add a2, a2, a4", "sub a2, a2, a4"),  # behind the bytes that entries are told apart by
        ("loop.next a0, again", "loop.next a0, again\n        addi a2, a2, 1"),
        ("halti 0", ".word 0"),  # where nothing can be executed, and later something
    ],
)
def test_other_code_behind_the_same_beginning_is_not_taken(old: str, new: str):
    first, second = LOOP, LOOP.replace(old, new)
    for text in (first, second, first):
        assert outcome(text) == outcome(text, "reference")


def test_stale_code_is_not_taken():
    text = LOOP.replace("halti 0", "la t0, again\n        li t1, 0\n        sw t1, [t0]\n{}")
    text = text.format("        jump again\n")
    for _ in range(2):
        native, reference = outcome(text), outcome(text, "reference")
        assert native == reference
        assert native[0].stop.fault is not None
        assert "flush" in f"{native[0].stop.fault.message} {native[0].stop.fault.hint}"


def straight_line(count: int) -> str:
    work = ("ld a2, [s0 + 8]", "mul a3, a2, a1", "sd a3, [s0 + 16]", "srli a1, a3, 3")
    lines = [work[index % len(work)] for index in range(count)]
    return "\n".join([".global _start", "_start: li s0, 0x10000", *lines, "halti 0", ""])


def test_what_is_kept_grows_with_the_code_and_no_faster(tmp_path: Path):
    sizes: list[int] = []
    for count in (200, 800):
        compiler().cache = ObjectCache(tmp_path / f"{count}", "host")
        assert outcome(straight_line(count))[0].retired == count + 2
        sizes.append(sum(path.stat().st_size for path in (tmp_path / f"{count}").iterdir()))
    assert sizes[1] < 4.4 * sizes[0]


def test_shapes_whose_numbers_collide_are_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(timeline, "NUMBER_BITS", 4)
    for _ in range(2):
        assert outcome(LOOP) == outcome(LOOP, "reference")
    write_no_ir(monkeypatch)
    with pytest.raises(AssertionError, match="IR was written"):
        outcome(LOOP)
