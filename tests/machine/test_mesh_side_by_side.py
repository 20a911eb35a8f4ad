"""Two engines side by side on many nodes: the first thing that differs is named exactly."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dojo_tools.description import Description, InstructionDef, MachineDef
from dojo_tools.diagnostics import render
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd, Piece
from dojo_tools.machine.mesh_pair import difference_so_far
from dojo_tools.machine.mesh_side_by_side import (
    MeshDivergence,
    MeshesDiffer,
    SideBySide,
    mesh_divergence_diagnostic,
)
from dojo_tools.machine.program import load_program
from dojo_tools.objects import Image
from dojo_tools.runs import RunFile, Status, execute_mesh, execute_run
from dojo_tools.runs.model import Grid
from nodes import description, machine, user_machine

# Each node counts, the faster the farther east, and meets the others. What is left up to a limit is
# negative beyond it, which `max` and `maxu` see differently.
PROGRAM = """\
        .global _start
        .barrier all
_start: ctl.read t0, node_x
        li      s0, 5
        li      s1, {limit}
        addi    s2, t0, 1
again:  li      t3, {work}
1:      add     a0, a0, s2
        loop.next t3, 1b
        barrier.all all
        sub     a1, s1, a0
        maxu    a1, a1, x0
        loop.next s0, again
        la      t0, result
        sd      a0, [t0]
        halti   0
        .bss
        .balign 8
result: .space  8
"""
TWO_DIES = """
[grid]
width = 4
height = 2
die_width = 2
die_height = 2
provenance = "chosen: two dies"
"""


def with_confused(one: str, two: str) -> Description:
    """Return a description in which an instruction has the meaning of another one."""
    first, second = (description().mnemonics[name][0] for name in (one, two))
    assert isinstance(first, InstructionDef)
    assert isinstance(second, InstructionDef)
    wrong = replace(first, meaning=second.meaning)
    instructions = (wrong if d is first else d for d in description().instructions)
    return replace(description(), instructions=tuple(instructions))


def side_by_side(
    folder: Path, on: MachineDef, native: Description, **values: object
) -> tuple[SideBySide, Callable[[], tuple[Mesh, Mesh]]]:
    """Return both engines on the program, the native one with a description of its own."""
    source = folder / "counting.s"
    source.write_text(PROGRAM.format(**values))
    image = load_program([source], description())

    def make() -> tuple[Mesh, Mesh]:
        grid = min(on.grid.width, 4), 2
        return (
            Mesh(image, description(), on, engine="reference", grid=grid),
            Mesh(image, native, on, engine="native", grid=grid),
        )

    return SideBySide(make(), make), make


def run_to_end(both: SideBySide) -> tuple[MeshEnd, MeshEnd]:
    while True:
        ends = both.run(1_000_000)
        if ends[0].reason is not EndReason.PAUSED:
            return ends


def first_difference(both: SideBySide) -> MeshDivergence:
    with pytest.raises(MeshesDiffer) as raised:
        run_to_end(both)
    return raised.value.divergence


@pytest.mark.parametrize("machine_text", [None, TWO_DIES])
@pytest.mark.parametrize("work", [3, 3000])
def test_the_first_instruction_that_differs_is_named(
    tmp_path: Path, machine_text: str | None, work: int
):
    """Node x has counted to n * work * (1 + x) after n rounds: x = 3 is first beyond the limit."""
    on = machine() if machine_text is None else user_machine(tmp_path, machine_text)
    wrong = with_confused("maxu", "max")
    both, make = side_by_side(tmp_path, on, wrong, work=work, limit=3 * work * 4 - 1)
    found = first_difference(both)
    text = render(mesh_divergence_diagnostic(make()[0], found))
    assert "counting.s:12:9: error: the engines differ: `maxu x11, x11, x0` (pc 0x" in text
    before = 4 + 2 * (2 * work + 5) + 2 * work + 3
    assert f"its instruction number {before + 1}\n" in text
    assert "note: node (3, 0) thread 0, cycle " in text
    assert "node (3, 0) thread 0: x11: reference 18446744073709551615, native 0" in text
    assert found.count == 1


def test_engines_that_agree_run_to_the_end(tmp_path: Path):
    both, make = side_by_side(tmp_path, machine(), description(), work=300, limit=0)
    ends = run_to_end(both)
    assert ends[0] == ends[1]
    assert ends[0].reason is EndReason.DONE
    assert ends == tuple(mesh.run() for mesh in make())


def test_pieces_change_nothing(tmp_path: Path):
    """However a run is cut into pieces, cycles and what is in registers are the same."""
    _, make = side_by_side(tmp_path, machine(), description(), work=20, limit=0)
    for mesh, pieced in zip(make(), make(), strict=True):
        whole = mesh.run()
        pieces = (Piece(3, retired) for retired in itertools.count(7, 7))
        ends = (pieced.run(piece=piece) for piece in pieces)
        end = next(end for end in ends if end.reason is not EndReason.PAUSED)
        assert end == whole
        assert difference_so_far(mesh, pieced, (whole, end)) is None


def test_a_run_with_both_engines_says_who_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def make(image: Image, right: Description, *others: MachineDef, engine: str, **options: Any):
        read = with_confused("maxu", "max") if engine == "native" else right
        return Mesh(image, read, *others, engine=engine, **options)

    monkeypatch.setattr(execute_mesh, "Mesh", make)
    source = tmp_path / "counting.s"
    source.write_text(PROGRAM.format(work=3, limit=0))
    run_file = RunFile("counting", (source,), machine="small", grid=Grid((2, 1)))
    report = execute_run(run_file, description(), engine="both")
    assert report.status is Status.DIFFERED
    assert report.line is not None
    assert report.line.line == 12
    assert report.message is not None
    assert "the engines differ: `maxu x11, x11, x0`" in report.message
