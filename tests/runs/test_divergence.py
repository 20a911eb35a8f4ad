"""A run with both engines of which one is wrong: where it ends and what it says."""

from dataclasses import replace
from pathlib import Path

import pytest

from dojo_tools.description import Description, InstructionDef, load_description
from dojo_tools.diagnostics import ExitCode
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.thread import Thread
from dojo_tools.machine import threads
from dojo_tools.runs import RunFile, Status, execute_run

DESCRIPTION = load_description()
SOURCE = """        .global _start
_start: movi x5, 6
        movi x6, 3
        sub x7, x5, x6
        halti 0
"""


def wrong() -> Description:
    """Return the description with another meaning for one instruction."""
    first, second = (DESCRIPTION.mnemonics[name][0] for name in ("sub", "add"))
    assert isinstance(first, InstructionDef)
    assert isinstance(second, InstructionDef)
    changed = replace(first, meaning=second.meaning)
    instructions = (changed if d is first else d for d in DESCRIPTION.instructions)
    return replace(DESCRIPTION, instructions=tuple(instructions))


def test_the_report_names_instruction_line_operands_and_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def native(*_: object) -> Thread:
        return NativeThread(wrong(), 0x14_0000, 0x100)

    monkeypatch.setattr(threads, "_native", native)
    path = tmp_path / "p.s"
    path.write_text(SOURCE, encoding="utf-8")
    report = execute_run(RunFile("p", (path,)), DESCRIPTION, timing=False, engine="both")
    assert report.status is Status.DIFFERED
    assert report.exit_code is ExitCode.ENGINES_DIFFER
    assert report.message is not None
    head, *rest = report.message.splitlines()
    assert head.startswith(f"{path}:4:")
    assert "error: the engines differ: `sub x7, x5, x6` (pc 0x" in head
    assert rest == [
        "note: instruction number 3 of the run",
        "note: before: x7 = 0x0",
        "note: before: x5 = 0x6",
        "note: before: x6 = 0x3",
        "note: x7: reference 0x3, native 0x9",
        "hint: this is a mistake in the tools: please report it",
    ]
