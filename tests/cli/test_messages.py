"""Messages for programs: JSON lines and SARIF 2.1.0, on standard error or in a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dojo_tools.diagnostics import ExitCode
from dojo_tools.runs.report import DIAGNOSTIC_NAMES
from dojo_tools.runs.report import FAILURES as NAMES

ROOT = Path(__file__).resolve().parents[2]
MISTAKES = '.include "inc.s"\nbeqz x1, far\nhalti 0\n.space 0x8000\nfar: nop\n'
LEVELS = ("none", "note", "warning", "error")


@pytest.fixture(autouse=True)
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    Path("a.s").write_text(MISTAKES, encoding="utf-8")
    Path("inc.s").write_text("nop\n  addd x1, x2\n", encoding="utf-8")


def run(command: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of the module `command`."""
    program = f"import sys; sys.argv[0] = 'dojo'; from dojo_tools.cli.{command} import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, check=False, encoding="utf-8"
    )


def test_json_has_a_line_for_each_message() -> None:
    done = run("assemble", "a.s", "--diagnostics", "json", "-w")
    assert done.returncode == ExitCode.INPUT
    (found,) = map(json.loads, done.stderr.splitlines())
    assert found == {
        "severity": "error",
        "message": "unknown instruction `addd`",
        "file": "inc.s",
        "line": 2,
        "column": 3,
        "end_line": 2,
        "end_column": 7,
        "hint": "did you mean `add`?",
        "notes": [
            {
                "message": "included from here",
                "file": "a.s",
                "line": 1,
                "column": 1,
                "end_line": 1,
                "end_column": 17,
            }
        ],
    }


def test_messages_go_to_a_file() -> None:
    Path("inc.s").write_text("nop\n", encoding="utf-8")
    done = run("assemble", "a.s", "--diagnostics", "json", "--diagnostics-file", "m.json")
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")
    (found,) = map(json.loads, Path("m.json").read_text(encoding="utf-8").splitlines())
    assert (found["severity"], found["name"]) == ("warning", "far-branch")
    run("assemble", "a.s", "--diagnostics-file", "m.txt")
    text = Path("m.txt").read_text(encoding="utf-8")
    assert text.startswith("a.s:2:1: warning: ")
    done = run("assemble", "a.s", "--diagnostics-file", "none/m.txt")
    assert (done.returncode, "none/m.txt" in done.stderr) == (ExitCode.IO, True)


def test_failing_files_are_messages_too() -> None:
    for command in ("assemble", "inspect", "run"):
        done = run(command, "none.s", "--diagnostics", "json")
        (found,) = map(json.loads, done.stderr.splitlines())
        assert found == {"severity": "error", "message": "none.s: No such file or directory"}


def test_sarif() -> None:
    done = run("assemble", "a.s", "--diagnostics", "sarif", "-w")
    log = json.loads(done.stderr)
    check_sarif(log)
    (result,) = log["runs"][0]["results"]
    assert result["message"]["text"] == "unknown instruction `addd`\nhint: did you mean `add`?"
    assert log["runs"][0]["invocations"][0]["exitCode"] == ExitCode.INPUT

    Path("inc.s").write_text("nop\n", encoding="utf-8")
    log = json.loads(run("assemble", "a.s", "--diagnostics", "sarif").stderr)
    check_sarif(log)
    (result,) = log["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("far-branch", "warning")

    log = json.loads(run("assemble", "inc.s", "--diagnostics", "sarif").stderr)
    check_sarif(log)
    assert log["runs"][0]["results"] == []


RING = """\
        .semaphore token
        .global _start
_start: sem.wait token
        sem.post token
        halti   0
"""
FAILURES = {
    "fault": ("lw a0, [zero]\n", ExitCode.GUEST_FAULT, {"fault": "bounds", "pc": 0x104}),
    "halt-code": ("halti 7\n", ExitCode.CHECK_FAILED, {"code": 7, "cycle": 2}),
    "limit": ("jump _start\n", ExitCode.LIMIT, {"node": [0, 0], "thread": 0}),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_run_on_one_node_that_fails_is_told_with_place_and_thread(name: str) -> None:
    text, code, fields = FAILURES[name]
    Path("p.s").write_text(f".global _start\n_start: nop\n{text}", encoding="utf-8")
    done = run("run", "p.s", "-q", "--max-instructions", "100", "--diagnostics", "json")
    (found,) = map(json.loads, done.stderr.splitlines())
    assert (found["severity"], found["name"], found["exit_code"]) == ("error", name, code)
    assert (found["file"], found["node"], found["thread"]) == ("p.s", [0, 0], 0)
    assert name == "limit" or (found["line"], found["column"]) == (3, 1)
    assert fields.items() <= found.items()
    assert done.returncode == code


def test_a_deadlock_has_who_waits_in_json_and_sarif() -> None:
    Path("p.s").write_text(RING, encoding="utf-8")
    words = ["p.s", "-q", "--machine", "small", "--grid", "2x1", "--engine", "reference"]
    done = run("run", *words, "--diagnostics", "json")
    (found,) = map(json.loads, done.stderr.splitlines())
    assert (found["name"], found["line"], found["column"]) == ("deadlock", 3, 9)
    assert found["exit_code"] == done.returncode == ExitCode.DEADLOCK
    assert len(found["deadlock"]["waiters"]) == 2
    assert all(note["message"] for note in found["notes"])

    log = json.loads(run("run", *words, "--diagnostics", "sarif").stderr)
    check_sarif(log)
    (result,) = log["runs"][0]["results"]
    assert result["ruleId"] == "deadlock"
    assert result["properties"]["exitCode"] == ExitCode.DEADLOCK
    assert result["properties"]["deadlock"] == found["deadlock"]
    names = [place["fullyQualifiedName"] for place in result["locations"][0]["logicalLocations"]]
    assert names == [f"node ({x}, 0){part}" for x in (0, 1) for part in ("", " thread 0")]


def test_each_output_that_is_wrong_is_told_with_its_place_in_the_run_file() -> None:
    Path("p.s").write_text(
        ".global _start\n_start: halti 0\n.data\nx: .tensor i32, 3\ny: .tensor i32, 1\n",
        encoding="utf-8",
    )
    Path("run.toml").write_text(
        '[program]\nsources = ["p.s"]\n'
        '[[output]]\nsymbol = "x"\ncheck = { expression = "1" }\n'
        '[[output]]\nsymbol = "y"\ncheck = { expression = "0" }\n',
        encoding="utf-8",
    )
    done = run("run", "run.toml", "-q", "--diagnostics", "json")
    (found,) = map(json.loads, done.stderr.splitlines())
    assert (found["name"], found["output"]) == ("check-failed", "x")
    assert (found["file"], found["line"]) == ("run.toml", 4)
    assert found["message"] == "output x: 0 of 3 elements match"
    assert "[2] found 0, expected 1, difference 1" in [n["message"] for n in found["notes"]]
    assert found["exit_code"] == done.returncode == ExitCode.CHECK_FAILED


def test_every_name_of_a_run_has_a_sentence_and_is_documented() -> None:
    text = (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")
    assert set(DIAGNOSTIC_NAMES) >= set(NAMES.values())
    for name in DIAGNOSTIC_NAMES:
        assert f"| `{name}` |" in text, name


def check_sarif(log: dict[str, Any]) -> None:
    """Hold a log against what SARIF 2.1.0 demands of the properties that we write."""
    assert set(log) == {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (found,) = log["runs"]
    assert set(found) == {"tool", "columnKind", "invocations", "results"}
    assert found["columnKind"] == "unicodeCodePoints"
    driver = found["tool"]["driver"]
    assert set(driver) == {"name", "version", "rules"}
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    (invocation,) = found["invocations"]
    assert isinstance(invocation["executionSuccessful"], bool)
    for result in found["results"]:
        assert set(result) <= {
            *("ruleId", "ruleIndex", "level", "message"),
            *("locations", "relatedLocations", "properties"),
        }
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in LEVELS
        assert result["message"]["text"]
        related = result.get("relatedLocations", [])
        assert [location["id"] for location in related] == list(range(len(related)))
        for location in result.get("locations", []) + related:
            check_location(location)


def check_location(location: dict[str, Any]) -> None:
    """Hold a location against the schema's, with lines and columns from 1."""
    assert set(location) <= {"id", "message", "physicalLocation", "logicalLocations"}
    for logical in location.get("logicalLocations", []):
        assert set(logical) == {"name", "fullyQualifiedName", "kind"}
        assert all(logical.values())
    place = location.get("physicalLocation")
    if place is not None:
        uri, region = place["artifactLocation"]["uri"], place["region"]
        assert uri
        assert not set(uri) & set(' <>"\\')
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert min(region.values()) >= 1
        start = region["startLine"], region["startColumn"]
        assert start <= (region["endLine"], region["endColumn"])


@pytest.mark.parametrize("words", [[], ["--diagnostics", "json"]], ids=["text", "json"])
def test_an_interrupt_before_the_run_is_told(words: list[str]) -> None:
    program = (
        "import sys; sys.argv[0] = 'dojo'\n"
        "from dojo_tools.cli import run\n"
        "def interrupted(_files): raise KeyboardInterrupt\n"
        "run._run_file = interrupted\n"
        "run.main()\n"
    )
    command = [sys.executable, "-c", program, "p.s", *words]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == ExitCode.INTERRUPTED
    if not words:
        assert done.stderr == "interrupted\n"
        return
    assert json.loads(done.stderr) == {
        "severity": "error",
        "name": "interrupted",
        "message": "interrupted",
        "exit_code": ExitCode.INTERRUPTED,
    }
