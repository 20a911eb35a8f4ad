"""Stacks that have been too deep, seen at the end of a run."""

from pathlib import Path

import pytest

from dojo_tools.description import load_description
from dojo_tools.runs import RunFile, RunReport, execute_run
from dojo_tools.runs.model import Grid

DESCRIPTION = load_description()
RECURSION = """\
        .equ    __stack_size, 64
        .global __stack_size
        .threads {threads}
        .global _start
_start: li      s0, {depth}
        call    again
        halti   0
again:  addi    sp, sp, -16
        sd      ra, [sp]
        sd      s0, [sp+8]
        addi    s0, s0, -1
        beqz    s0, back
        call    again
back:   {last}
        ld      ra, [sp]
        ld      s0, [sp+8]
        addi    sp, sp, 16
        ret
"""


def run(folder: Path, text: str, machine: str = "node") -> RunReport:
    """Run a source on a machine."""
    path = folder / "p.s"
    path.write_text(text, encoding="utf-8")
    grid = Grid((2, 1)) if machine == "small" else Grid()
    run_file = RunFile("p", (path,), machine=machine, grid=grid)
    return execute_run(run_file, DESCRIPTION, engine="reference")


def warnings(report: RunReport) -> list[str]:
    return [found.message for found in report.warnings if found.name == "deep-stack"]


@pytest.mark.parametrize("machine", ["node", "small"])
def test_a_stack_that_came_back_is_seen_in_the_memory_below_it(
    tmp_path: Path, machine: str
) -> None:
    who = "the program" if machine == "node" else "thread 0 of 2 nodes: (0..1, 0)"
    text = RECURSION.format(threads=1, depth=7, last="nop")
    assert warnings(run(tmp_path, text, machine)) == [
        f"the stack of {who} has been 112 bytes deep or more, 64 are reserved: memory below it "
        "has changed"
    ]


@pytest.mark.parametrize("machine", ["node", "small"])
def test_a_stack_pointer_that_is_too_low_at_the_end_is_seen(tmp_path: Path, machine: str) -> None:
    who = "the program" if machine == "node" else "thread 0 of 2 nodes: (0..1, 0)"
    text = RECURSION.format(threads=1, depth=5, last="halti 0")
    assert warnings(run(tmp_path, text, machine)) == [
        f"the stack of {who} is 80 bytes deep at the end, 64 are reserved"
    ]


@pytest.mark.parametrize("last", ["nop", "halti 0"])
def test_a_stack_that_is_full_is_well(tmp_path: Path, last: str) -> None:
    report = run(tmp_path, RECURSION.format(threads=1, depth=4, last=last))
    assert warnings(report) == []


def test_a_stack_that_ends_in_that_of_another_thread_is_seen(tmp_path: Path) -> None:
    text = RECURSION.format(threads=2, depth=5, last="halti 0")
    assert warnings(run(tmp_path, text, "small")) == [
        "the stack of thread 0 of 2 nodes: (0..1, 0) is 80 bytes deep at the end, 64 are reserved"
    ]


def test_a_stack_that_the_program_has_made_elsewhere_is_none_of_ours(tmp_path: Path) -> None:
    text = (
        ".global _start\n_start: la sp, own\nsd sp, [sp-8]\nhalti 0\n"
        ".bss\n.balign 64\n.space 64\nown: .space 8\n"
    )
    assert warnings(run(tmp_path, text)) == []
    assert warnings(run(tmp_path, ".global _start\n_start: li sp, 0x20000\nhalti 0\n")) == []
