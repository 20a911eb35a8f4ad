"""Messages for programs: JSON lines and SARIF 2.1.0, on standard error or in a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dojo_tools.diagnostics import ExitCode

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
            *("locations", "relatedLocations"),
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
    assert set(location) <= {"id", "message", "physicalLocation"}
    place = location.get("physicalLocation")
    if place is not None:
        uri, region = place["artifactLocation"]["uri"], place["region"]
        assert uri
        assert not set(uri) & set(' <>"\\')
        assert set(region) == {"startLine", "startColumn", "endLine", "endColumn"}
        assert min(region.values()) >= 1
        start = region["startLine"], region["startColumn"]
        assert start <= (region["endLine"], region["endColumn"])
