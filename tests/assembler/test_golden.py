"""The golden files of the assembler: each line says what becomes of it.

A comment `; = 0x2108_0c41` gives the words of an instruction, `; = 01 ff` the bytes of data,
`; error: text` and `; warning: text` a part of a message that is reported there. `pytest --bless`
rewrites the comments with `=`.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError, read_source, render
from dojo_tools.objects import FrameKind, ObjectFile

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "as"
FILES = sorted(path for path in FOLDER.glob("*.s") if not path.with_suffix(".txt").exists())
EXPECTATION = re.compile(r"; (=|error:|warning:)(.*)$")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_becomes_what_it_says(path: Path, description: Description, bless: bool) -> None:
    found: dict[int, list[str]] = defaultdict(list)
    try:
        assembly = assemble(read_source(path, path.name), description)
        diagnostics = assembly.warnings
        add_contents(assembly.object, found)
    except InputError as error:
        diagnostics = error.diagnostics
    for diagnostic in diagnostics:
        assert diagnostic.span is not None
        found[diagnostic.span.line].append(f"{diagnostic.severity.value}: {diagnostic.message}")
    problems: list[str] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        actual = found.pop(number, [])
        expectation = EXPECTATION.search(line)
        if expectation and expectation[1] == "=" and bless:
            encoded = [text for text in actual if text.startswith("= ")]
            lines[number - 1] = line[: expectation.start()] + f"; {' '.join(encoded)}"
            expectation = EXPECTATION.search(lines[number - 1])
        problems += [f"{path.name}:{number}: {p}" for p in compare(expectation, actual)]
    if bless:
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    assert problems == []
    assert not found


def add_contents(object_file: ObjectFile, found: dict[int, list[str]]) -> None:
    """Note what each line put into the object; what a macro or an include makes, at its use."""
    sections = {section.name: section for section in object_file.sections}
    made: dict[int, list[str]] = defaultdict(list)
    for entry in object_file.lines:
        section = sections[entry.section]
        encoded = section.contents[entry.offset : entry.offset + entry.size]
        if section.executable:
            words = [int.from_bytes(encoded[i : i + 4], "little") for i in range(0, entry.size, 4)]
            text = " ".join(f"0x{word >> 16:04x}_{word & 0xFFFF:04x}" for word in words)
        else:
            text = encoded.hex(" ")
        steps = [frame for frame in entry.trail if frame.kind is not FrameKind.EXPANSION]
        made[steps[-1].line if steps else entry.line].append(text)
    for line, texts in made.items():
        found[line].append(f"= {' '.join(texts)}")


def compare(expectation: re.Match[str] | None, actual: list[str]) -> list[str]:
    """Return what differs between the comment of a line and what was found there."""
    encoded = [text for text in actual if text.startswith("= ")]
    messages = [text for text in actual if not text.startswith("= ")]
    if expectation is None:
        return [f"unexpected {text}" for text in messages]
    text = expectation[2].strip()
    if expectation[1] == "=":
        return messages if encoded == [f"= {text}"] else [f"expected = {text}, found {actual}"]
    kind = expectation[1]
    if len(messages) == 1 and messages[0].startswith(kind) and text in messages[0]:
        return []
    return [f"expected one {kind} {text}, found {messages}"]


@pytest.mark.parametrize("name, count", [("mistakes", 12), ("macro_mistakes", 22)])
def test_a_file_of_mistakes_shows_them_all(
    name: str,
    count: int,
    description: Description,
    golden: Callable[[Path, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(FOLDER)
    with pytest.raises(InputError) as caught:
        assemble(read_source(Path(f"{name}.s")), description)
    shown = "\n".join(render(diagnostic) for diagnostic in caught.value.diagnostics) + "\n"
    golden(FOLDER / f"{name}.txt", shown)
    assert len(caught.value.diagnostics) == count
