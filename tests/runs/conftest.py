"""The description, and a folder with a program that computes `y = x + 1` on eight numbers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dojo_tools.description import Description, load_description
from dojo_tools.runs import RunReport, execute_run, load_run_file

KERNEL = """\
        .global _start
_start: la      t0, x
        la      t1, y
        li      t2, 8
        vli.f32 v1, 1.0
        vld     v0, [t0]
        mask.firstn m1, t2
        vadd.f32 v0, v0, v1, m1
        vst     v0, [t1]
        halt    a0

        .data
        .balign 64
x:      .tensor f32, 2, 4
        .balign 64
y:      .tensor f32, 2, 4
        .balign 64
counts: .tensor i32, 4
half:   .tensor bf16, 4
plain:  .space  16
        .size   plain, 16
n:      .dword  5
        .size   n, 8
        .equ    SIZE, 8
"""


@pytest.fixture(scope="session")
def description() -> Description:
    """The description that ships."""
    return load_description()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with `kernel.s` in it."""
    (tmp_path / "kernel.s").write_text(KERNEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def execute(folder: Path, description: Description) -> Callable[[str], RunReport]:
    """The call `execute(text)`: make the run of `kernel.s` that the rest of a run file asks for."""

    def make(text: str) -> RunReport:
        path = folder / "run.toml"
        path.write_text(f'[program]\nsources = ["kernel.s"]\n{text}', encoding="utf-8")
        return execute_run(load_run_file(path), description)

    return make
