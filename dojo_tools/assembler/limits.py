"""The limits of the assembler, in one table: what is beyond one is an error at its place."""

from dojo_tools.assembler.blocks import BLOCK_DEPTH_MAX
from dojo_tools.assembler.collect import (
    EXPANSION_ARGUMENTS_MAX,
    EXPANSION_DEPTH_MAX,
    EXPANSION_LINES_MAX,
    EXPANSION_TEXT_MAX,
)
from dojo_tools.assembler.files import INCLUDE_COUNT_MAX, INCLUDE_DEPTH_MAX, INCLUDE_SIZE_MAX
from dojo_tools.assembler.layout import ALIGNMENT_MAX, SECTION_SIZE_MAX
from dojo_tools.assembler.literals import NUMBER_WIDTH_MAX
from dojo_tools.assembler.output import CONTENTS_SIZE_MAX
from dojo_tools.assembler.parser import NESTING_MAX
from dojo_tools.assembler.structures import STRUCTURE_SIZE_MAX
from dojo_tools.assembler.unit import VALUES_MAX
from dojo_tools.diagnostics import KEPT_MAX
from dojo_tools.source_text import LINE_LENGTH_MAX, SOURCE_SIZE_MAX


def limits() -> list[tuple[str, str]]:
    """Return what is limited and to how much, in words."""
    return [
        ("size of a source", _mebibytes(SOURCE_SIZE_MAX)),
        ("length of a line", f"{LINE_LENGTH_MAX:,} characters"),
        ("nesting of an expression", f"{NESTING_MAX}"),
        ("numbers and results", f"{NUMBER_WIDTH_MAX} bits"),
        ("alignment", f"{ALIGNMENT_MAX >> 10} KiB"),
        ("one section", _mebibytes(SECTION_SIZE_MAX)),
        ("all contents", _mebibytes(CONTENTS_SIZE_MAX)),
        ("blocks in blocks", f"{BLOCK_DEPTH_MAX}"),
        ("macros in macros", f"{EXPANSION_DEPTH_MAX}"),
        ("lines of macros and repetitions", f"{EXPANSION_LINES_MAX:,}"),
        ("text of macros and repetitions", _mebibytes(EXPANSION_TEXT_MAX)),
        ("arguments of macros and repetitions", _mebibytes(EXPANSION_ARGUMENTS_MAX)),
        ("values to be computed", f"{VALUES_MAX:,}"),
        ("one structure", _mebibytes(STRUCTURE_SIZE_MAX)),
        ("includes, nested", f"{INCLUDE_DEPTH_MAX}"),
        ("includes, files", f"{INCLUDE_COUNT_MAX:,}"),
        ("includes, size", _mebibytes(INCLUDE_SIZE_MAX)),
        ("errors kept", f"{KEPT_MAX:,}, then their count"),
        ("errors shown", "100, then their count"),
    ]


def _mebibytes(size: int) -> str:
    return f"{size >> 20} MiB"
