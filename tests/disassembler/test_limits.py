"""The limits that are documented are those that hold."""

import re
from pathlib import Path

from dojo_tools.disassembler.limits import LIMITS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "threat-model.md"


def test_the_page_has_the_table_of_limits() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([0-9,]+) \|$", PAGE.read_text(), re.MULTILINE)
    assert [(name, int(value.replace(",", ""))) for name, value in rows] == list(LIMITS)
