"""Code with too many shapes is timed step by step, and comes to the same cycles and causes."""

from pathlib import Path

import pytest

from dojo_tools.description import load_description
from dojo_tools.engines.native import region
from dojo_tools.engines.native import thread as native_thread
from dojo_tools.engines.native.code_memory import CodeMemory
from dojo_tools.engines.native.flow import Decode
from dojo_tools.engines.native.machine_code import Variant
from dojo_tools.engines.native.region_cache import RegionCache
from dojo_tools.engines.native.translations import Compiled, Translations, Translator
from dojo_tools.engines.stop import StopReason
from dojo_tools.engines.translated import Translated
from dojo_tools.machine import Machine, load_program
from slow_timing import count_steps, nothing_is_held, time_slowly

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DESCRIPTION = load_description()

BRANCHES = """
    .text
    .global _start
_start:
    li a1, 40
    li a0, 88172645463325252
    la a2, buffer
again:
    slli t0, a0, 13
    xor a0, a0, t0
    srli t0, a0, 7
    xor a0, a0, t0
{blocks}
    loop.next a1, again
    ctl.read s9, cycle
    div s8, s9, a0
    print.int s9
    sd s9, [a2]
    li a0, 7
    ld a3, [a0]
    .data
    .align 64
buffer:
    .space 256
"""
BLOCK = """
    andi t1, a0, {bit}
    beqz t1, {number}f
    div s{number}, a2, a0
    mul s{next}, s{number}, a0
    vadd.f32 v{number}, v{next}, v1
{number}:
"""


def source_of(name: str, folder: Path) -> Path:
    """Return a sample, or a program of this test.

    `branchy` branches by pseudo-random bits, between long latencies.
    """
    if name not in ("branchy", "faulting"):
        return SAMPLES / name / f"{name}.s"
    blocks = "".join(BLOCK.format(bit=1 << i, number=i, next=i + 1) for i in range(2, 7))
    path = folder / f"{name}.s"
    path.write_text(FAULTING if name == "faulting" else BRANCHES.format(blocks=blocks))
    return path


FAULTING = """
    .text
    .global _start
_start:
    li a0, 88172645463325252
    li a1, 3
    div a2, a0, a1
again:
    loop.next a1, again
    div a3, a0, a2
    print.text a0, a2
"""
"""A fault of an instruction that would have waited for the quotient."""


@pytest.mark.parametrize("name", ["fibonacci", "pipeline", "branchy", "faulting"])
def test_both_engines_agree(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    time_slowly(monkeypatch)
    steps = count_steps(monkeypatch)
    source = source_of(name, tmp_path)
    machine = Machine(load_program([source], DESCRIPTION), DESCRIPTION, engine="both")
    result = machine.run(100_000)
    faults = name in ("branchy", "faulting")
    assert result.stop.reason is (StopReason.FAULT if faults else StopReason.HALT)
    assert sum(result.causes.values()) == result.cycles
    assert len(steps) > (0 if name == "faulting" else 10)


def test_single_steps_have_files_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    time_slowly(monkeypatch)
    made: list[Translated] = []
    image = load_program([source_of("branchy", tmp_path)], DESCRIPTION)
    assert Machine(image, DESCRIPTION, watch=made.append).run(100_000).stop.fault is not None
    kinds: dict[tuple[object, ...], set[str]] = {}
    for code in made:
        kinds.setdefault(code[:4], set()).add(code.text)
    assert {len(texts) for texts in kinds.values()} == {1}
    assert {code.variant for code in made} >= {(), ("single",)}


def test_limits_are_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    time_slowly(monkeypatch)
    image = load_program([source_of("branchy", tmp_path)], DESCRIPTION)
    machine = Machine(image, DESCRIPTION, engine="both")
    retired = 0
    while machine.run(1).stop.reason is StopReason.LIMIT:
        retired += 1
        assert machine.run(0).retired == retired


def test_few_shapes_are_translated_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps = count_steps(monkeypatch)
    image = load_program([SAMPLES / "saxpy" / "saxpy.s"], DESCRIPTION)
    assert Machine(image, DESCRIPTION).run(100_000).stop.code == 0
    assert steps == []


def test_code_that_runs_once_is_translated_however_much_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(native_thread, "TRANSLATION_SECONDS", -1e9)
    steps = count_steps(monkeypatch)
    source = tmp_path / "straight.s"
    lines = ["mul a0, a1, a2"] * 5000
    source.write_text("\n".join([".text", ".global _start", "_start:", *lines, "halti 0", ""]))
    assert Machine(load_program([source], DESCRIPTION), DESCRIPTION).run(10_000).stop.code == 0
    assert steps == []


def test_hot_code_of_many_shapes_is_improved_region_by_region(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(native_thread, "TRANSLATION_SECONDS", 1e9)
    monkeypatch.setattr(region, "VERSIONS_MAX", 1)
    hot, good = count_improvements(monkeypatch)
    source = source_of("branchy", tmp_path)
    source.write_text(source.read_text().replace("li a1, 40", "li a1, 1000"))
    machine = Machine(load_program([source], DESCRIPTION), DESCRIPTION, engine="both")
    assert machine.run(100_000).stop.reason is StopReason.FAULT
    assert 0 < len(good) <= 2 * len(hot)


@pytest.mark.parametrize("seconds", [-1e9, 1e9])
def test_hot_code_is_improved_when_there_is_time(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(native_thread, "TRANSLATION_SECONDS", seconds)
    _, good = count_improvements(monkeypatch)
    source = tmp_path / "loop.s"
    source.write_text(LOOP)
    machine = Machine(load_program([source], DESCRIPTION), DESCRIPTION, engine="both")
    assert machine.run(100_000).stop.reason is StopReason.HALT
    assert bool(good) == (seconds > 0)


LOOP = """
    .text
    .global _start
_start:
    li a1, 10000
again:
    addi a0, a0, 3
    loop.next a1, again
    halti 0
"""


def count_improvements(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[int]]:
    """Let code be hot soon; return lists that grow with what is hot and with what is made well."""
    monkeypatch.setattr(region, "HEAT_MAX", 2000)
    monkeypatch.setattr(RegionCache, "can_hold", staticmethod(nothing_is_held))
    hot: list[int] = []
    good: list[int] = []
    promote = Translations.promote
    translate = Translator.region

    def counted_promote(translations: Translations, *place: int) -> None:
        hot.append(place[-2])
        promote(translations, *place)

    def counted_region(
        translator: Translator,
        pc: int,
        shape: int,
        decode: Decode,
        variant: Variant,
        code: CodeMemory,
    ) -> Compiled:
        if variant.optimised:
            good.append(pc)
        return translate(translator, pc, shape, decode, variant, code)

    monkeypatch.setattr(Translations, "promote", counted_promote)
    monkeypatch.setattr(Translator, "region", counted_region)
    return hot, good
