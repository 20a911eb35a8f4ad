"""The opcode map in `docs/` is the one that the description makes."""

from collections.abc import Callable
from pathlib import Path

from dojo_tools.description import load_description
from dojo_tools.manual import opcode_map

MAP = Path(__file__).resolve().parents[2] / "docs" / "opcode-map.md"


def test_the_map_is_current(golden: Callable[[Path, str], None]) -> None:
    golden(MAP, opcode_map(load_description()))


def test_every_instruction_stands_in_the_map_once() -> None:
    description = load_description()
    lines = opcode_map(description).splitlines()
    for definition in description.instructions:
        syntax = f"| `{definition.syntax_text}` | {definition.summary} |"
        assert sum(syntax in line for line in lines) == 1, definition.syntax_text
