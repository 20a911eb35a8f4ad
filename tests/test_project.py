"""Rules for the project as a whole: its top level, what an import costs, what each file says."""

import re
import subprocess
import sys
import tokenize
import tomllib
from ast import get_docstring, parse
from pathlib import Path
from token import COMMENT
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

TOP_LEVEL = {
    ".ci",
    ".git",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "docs",
    "dojo_tools",
    "isa",
    "pyproject.toml",
    "samples",
    "tests",
}

# Slow to load, and needed by only some commands.
LOADED_LATE = ["lark", "llvmlite", "numpy", "rich", "textual"]

SOURCES = sorted(
    path for folder in ("dojo_tools", "samples", "tests") for path in (ROOT / folder).rglob("*.py")
)
IGNORE = re.compile(
    r"#\s*(?:noqa|type:\s*ignore|pyright:)"  # what silences a checker,
    r"(?:[\s:,]|ignore|\[[^]]*\]|\w+=\w+|[A-Z]+\d+)*"  # the rules it names,
    r"(?P<reason>.*)"
)


def test_the_top_level_holds_only_what_belongs_there() -> None:
    ignored = {line.strip().rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    assert {path.name for path in ROOT.iterdir()} - ignored <= TOP_LEVEL


def test_importing_the_package_loads_nothing_slow() -> None:
    program = "import sys, dojo_tools; print(*(m for m in sys.argv[1:] if m in sys.modules))"
    command = [sys.executable, "-c", program, *LOADED_LATE]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_opens_with_a_docstring(path: Path) -> None:
    assert get_docstring(parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_silenced_checker_states_its_reason(path: Path) -> None:
    with path.open("rb") as file:
        comments = [token for token in tokenize.tokenize(file.readline) if token.type == COMMENT]
    silenced = [(token, IGNORE.match(token.string)) for token in comments]
    bare = [
        f"line {token.start[0]}: {token.string}"
        for token, match in silenced
        if match and not re.search(r"\w", match["reason"])
    ]
    assert bare == []


def test_pip_and_uv_install_the_same_for_tests() -> None:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extra = project["project"]["optional-dependencies"]["test"]
    assert project["dependency-groups"]["dev"] == extra
