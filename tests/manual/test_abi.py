"""The ABI page says what the description says."""

from pathlib import Path

from dojo_tools.description import load_description
from dojo_tools.linker import DEFAULT_STACK_SIZE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "abi.md").read_text(encoding="utf-8")


def test_the_relocation_table_is_that_of_the_description():
    rows = [
        f"| {number} | `{kind.name}` | {kind.formula} | {kind.size} | "
        f"{', '.join(str(part) for part in kind.ranges)} | {kind.scale} | {kind.low}..{kind.high} |"
        for number, kind in sorted(load_description().relocations.items())
    ]
    assert [line for line in PAGE.splitlines() if line.startswith("| ") and "S + A" in line] == rows


def test_the_stack_size_is_that_of_the_linker():
    assert f"default {DEFAULT_STACK_SIZE:#x}" in PAGE
