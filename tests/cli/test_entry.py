"""Ctrl-C at any moment ends a command with its exit code, and without a traceback."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dojo_tools.cli import entry, interrupts
from dojo_tools.diagnostics import ExitCode

SCRIPTS = tomllib.loads(
    (Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8")
)["project"]["scripts"]

INTERRUPTED_AT_IMPORT = """
import os, signal, sys

class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
from dojo_tools.cli.entry import {function}
{before}
{function}()
"""


def interrupted(
    folder: Path, function: str, module: str, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command that gets Ctrl-C when it imports a module."""
    (folder / "a.s").write_text(".global _start\n_start: halti 0\n")
    program = INTERRUPTED_AT_IMPORT.format(function=function, module=module, before=before)
    command = [sys.executable, "-c", program, "a.s"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("function", ["assemble", "link", "inspect", "run"])
@pytest.mark.parametrize(
    ("module", "told"), [("typer", ""), ("dojo_tools.description", "interrupted\n")]
)
def test_ctrl_c_while_modules_load_ends_without_a_traceback(
    tmp_path: Path, function: str, module: str, told: str
) -> None:
    done = interrupted(tmp_path, function, module)
    assert (done.returncode, done.stdout, done.stderr) == (ExitCode.INTERRUPTED, "", told)


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    done = interrupted(tmp_path, "run", "typer", before=ignored)
    assert done.returncode == ExitCode.DONE


def test_every_command_begins_there() -> None:
    places = {place.rpartition(":")[::2] for place in SCRIPTS.values()}
    assert {module for module, _ in places} == {entry.__name__}
    assert all(callable(getattr(entry, function)) for _, function in places)
    assert interrupts.INTERRUPTED == ExitCode.INTERRUPTED
