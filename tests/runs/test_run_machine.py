"""Runs on a machine of the user's choice, and registers shown as values."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError
from dojo_tools.machine import TraceEntry
from dojo_tools.runs import Listener, RunReport, Status, execute_run, load_run_file

Run = Callable[[str], RunReport]

# Reads the codes of `x`, and writes their values and once more their codes.
KERNEL = """\
        .global _start
_start: la      t0, x
        vld     v0, [t0]
        li      t1, 7
        bias.write 0, t1
        vcvt.f32.cfloat8_1_4_3 v1, v0, 0, 0
        la      t0, values
        vst     v1, [t0]
        vcvt.cfloat8_1_4_3.f32 v0, v1, 0, 0
        la      t0, codes
        vst     v0, [t0]
        li      a0, -2
        halti   0
        .data
x:      .tensor cfloat8_1_4_3(7), 16
values: .tensor f32, 16
codes:  .tensor cfloat8_1_4_3(7), 16
        .balign 64
"""
# The printed rule has nothing between 7 * 2**-10 and 2**-6, the gradual one steps of 2**-9.
NUMBERS = [2.0**-9, 9 * 2.0**-10, 2.0**-7, 0.5]
GRADUAL = 'base = "node"\n[formats]\ndenormals = "gradual"\n'
CHECKED = """
[[input]]
symbol = "x"
file = "x.npy"

[[output]]
symbol = "values"
save = "found.npy"

[[output]]
symbol = "codes"
check = { file = "x.npy" }
"""


@pytest.fixture
def run(tmp_path: Path, description: Description) -> Run:
    """The call `run(text)`: make the run of the kernel that the rest of a run file asks for."""
    (tmp_path / "kernel.s").write_text(KERNEL, encoding="utf-8")
    (tmp_path / "gradual.toml").write_text(GRADUAL, encoding="utf-8")
    np.save(tmp_path / "x.npy", np.array(NUMBERS * 4))

    def make(text: str) -> RunReport:
        path = tmp_path / "run.toml"
        path.write_text(f'[program]\nsources = ["kernel.s"]\n{text}', encoding="utf-8")
        return execute_run(load_run_file(path), description)

    return make


@pytest.mark.parametrize(
    "machine, found",
    [
        ("", [2.0**-9, 2.0**-7 - 2.0**-10, 2.0**-7 - 2.0**-10, 0.5]),
        ('[machine]\nname = "d1"\n', [2.0**-9, 2.0**-7 - 2.0**-10, 2.0**-7 - 2.0**-10, 0.5]),
        ('[machine]\nfile = "gradual.toml"\n', [2.0**-9, 2.0**-7, 2.0**-7, 0.5]),
    ],
    ids=["default", "shipped", "file"],
)
def test_the_rule_for_denormals_is_that_of_the_machine(
    run: Run, tmp_path: Path, machine: str, found: list[float]
) -> None:
    report = run(machine + CHECKED)
    assert report.status is Status.DONE
    assert np.load(tmp_path / "found.npy").tolist() == found * 4


def test_the_memory_is_that_of_the_machine(run: Run, tmp_path: Path) -> None:
    text = 'base = "node"\n[node]\nsram_bytes = 0x10000\nreserved_bytes = 0x100\n'
    text += "clock_hz = 1\nthreads = 4\n"
    (tmp_path / "small.toml").write_text(text, encoding="utf-8")
    report = run('[machine]\nfile = "small.toml"\n')
    assert report.machine.read_register("sp") == 0x10000


def test_a_missing_machine_file_is_not_meant_to_be_a_run_file(run: Run, tmp_path: Path) -> None:
    for name in ("nine.toml", "node.toml"):
        (tmp_path / name).write_text('base = "node"\n', encoding="utf-8")
    (tmp_path / "non.toml").write_text('[program]\nsources = ["a.s"]\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        run('[machine]\nfile = "none.toml"\n')
    hint = caught.value.diagnostics[0].hint
    assert hint is not None
    assert "node.toml" in hint or "nine.toml" in hint
    assert "non.toml" not in hint
    assert "run" not in hint


@pytest.mark.parametrize(
    "text, message",
    [
        ('[machine]\nname = "nod"\n', "unknown machine `nod`"),
        ('[machine]\nfile = "missing.toml"\n', "missing.toml"),
        ('[machine]\nfile = "x.npy"\n', "ends in .toml"),
        ('[machine]\nname = "gradual.toml"\n', "this is a file"),
        ('[machine]\nfile = "../other.toml"\n', "is not below"),
        ("[machine]\n", "either `name` or `file`"),
        ('[machine]\nname = "node"\nkind = 1\n', "unknown key `kind`"),
        ('[show]\nw1 = "bf16"\n', "unknown register `w1`"),
        ('[show]\nv1 = "bf17"\n', "unknown element type `bf17`"),
        ('[show]\nv1 = "shp"\n', "needs a bias"),
        ("[show]\nv1 = 3\n", "3"),
    ],
)
def test_mistakes_are_reported_with_their_place(run: Run, text: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        run(text)
    found = refusal.value.diagnostics[0]
    assert message in found.message
    assert found.span is not None


def test_registers_are_shown_as_chosen(run: Run) -> None:
    report = run('[show]\nv = "f32"\nv0 = "cfloat8_1_4_3(7)"\na0 = "i64"\n' + CHECKED)
    machine = report.machine
    assert machine.value_texts("v0")[:4] == ["0.001953125", "0.0068359375", "0.0068359375", "0.5"]
    assert machine.value_texts("v1")[3] == "0.5"
    assert machine.value_texts("x10") == ["-2"]
    assert str(machine.shown_as("v31")) == "f32"
    assert machine.shown_as("x11") is None


def test_a_trace_shows_values(tmp_path: Path, run: Run, description: Description) -> None:
    run(f'[show]\nv0 = "cfloat8_1_4_3(7)"\nx10 = "i32"\n{CHECKED}')
    entries: list[TraceEntry] = []
    execute_run(load_run_file(tmp_path / "run.toml"), description, Listener(traced=entries.append))
    changes = {change.place: change for entry in entries[:3] for change in entry.changes}
    assert changes["v0"].before == "cfloat8_1_4_3(7) 0.0 x64"
    assert changes["v0"].after.startswith("cfloat8_1_4_3(7) 0.001953125 0.0068359375 x2 0.5 ")
    assert changes["v0"].after.endswith("0.5 0.0 x48")
    last = {change.place: change for change in entries[-2].changes}
    assert (last["x10"].before, last["x10"].after) == ("i32 0 x2", "i32 -2 -1")
