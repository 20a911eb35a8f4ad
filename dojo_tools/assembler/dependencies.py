"""The files an object was made from, as a rule for make."""

from collections.abc import Sequence
from pathlib import Path

from dojo_tools.diagnostics import fail


def make_rule(target: Path, files: Sequence[Path]) -> str:
    """Return the rule `target: files`, and for each file but the first an empty one.

    The empty rules keep make going when an included file is deleted. Raises `InputError` for a name
    that no rule can hold.
    """
    names = list(dict.fromkeys(_escape(file) for file in files))
    rules = [f"{_escape(target)}: {' '.join(names)}"]
    rules += [f"{name}:" for name in names[1:]]
    return "\n\n".join(rules) + "\n"


def _escape(path: Path) -> str:
    """Return a name as make reads it: `$` is doubled, spaces and `#` get a backslash."""
    text = str(path)
    if "\n" in text or "\r" in text:
        raise fail(f"the file name {text!r} can't stand in a dependency file")
    escaped: list[str] = []
    for index, character in enumerate(text):
        if character in " \t#":
            # Backslashes before it would otherwise be read as escapes themselves.
            count = index - len(text[:index].rstrip("\\"))
            escaped.append("\\" * (count + 1) + character)
        else:
            escaped.append("$$" if character == "$" else character)
    return "".join(escaped)
