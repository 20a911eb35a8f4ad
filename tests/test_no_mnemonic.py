"""No mnemonic stands in the Python of tools and engines, nor in the grammar of assembly.

A name that is also an ordinary word or an operator of the description language is no evidence
(`add`, `min`); every name with a dot, a digit or no other meaning is.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from dojo_tools.description import load_description
from dojo_tools.description.locate import isa_folder
from dojo_tools.description.semantics import ACTIONS, INTERACTIONS, OPERATORS

ROOT = Path(__file__).resolve().parents[1]
# Mnemonics that are also words which the tools need for something else, each with its reason.
OTHER_MEANINGS = {
    "abs", "add", "and", "div", "max", "min", "mul", "not", "or", "rem", "sub", "xor", "neg",
    "clz", "ctz", "popcount",  # operators of the description language
    "barrier", "transfer",  # interactions; a directive
    "break", "halt", "trap",  # outcomes of worked examples, reasons to stop
}  # fmt: skip

LLVM_WORDS = {"call", "ret", "select"}
"""Words of the language that the native engine writes."""


@cache
def mnemonics() -> set[str]:
    names = set(load_description().mnemonics)
    return names - OTHER_MEANINGS


def test_the_exceptions_are_other_words_indeed():
    words = {*OPERATORS, *ACTIONS, *INTERACTIONS, "break", "halt", "trap"}
    assert words >= OTHER_MEANINGS
    assert set(load_description().mnemonics) >= OTHER_MEANINGS


def strings_of(path: Path) -> list[tuple[int, str]]:
    """Return every string that code may act on: docstrings are prose."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "dojo_tools").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT))
)
def test_no_mnemonic_in_python(path: Path):
    known = mnemonics() - (LLVM_WORDS if path.parent.name == "native" else set())
    found = [(line, text) for line, text in strings_of(path) if text.strip() in known]
    assert not found


def test_no_mnemonic_in_the_assembly_grammar():
    text = (isa_folder() / "assembly.lark").read_text(encoding="utf-8")
    words = {word.strip('"') for word in text.replace("|", " ").split() if word.startswith('"')}
    assert not words & (mnemonics() | OTHER_MEANINGS)
