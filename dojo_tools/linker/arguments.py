"""What users write on the command line and in layout files. Mistakes are `InputError`s."""

import re
from pathlib import Path

from dojo_tools.bits import mask
from dojo_tools.diagnostics import fail, printable
from dojo_tools.linker.options import Defsym
from dojo_tools.objects import COORDINATE_BITS, Rectangle

_NUMBER = r"[+-]?(?:0[xX][0-9a-fA-F]{1,16}|0[bB][01]{1,64}|[0-9]{1,20})"
_EXPRESSION = re.compile(rf"(?P<base>[^\s+\-0-9][^\s+\-]*)? *(?P<offset>{_NUMBER})?", re.ASCII)
_PLACE = re.compile(r"([0-9]{1,4}) *, *([0-9]{1,4})(?:[, ] *([0-9]{1,4})x([0-9]{1,4}))?", re.ASCII)


def parse_number(text: str) -> int:
    """Return a number, decimal or with 0x or 0b."""
    if not re.fullmatch(_NUMBER, text, re.ASCII):
        raise fail(f"`{printable(text)}` is not a number such as 4096 or 0x1000")
    # Leading zeros are no octal here, and no mistake.
    digits = text.lstrip("+-")
    base = {"x": 16, "b": 2}.get(digits[1:2].lower(), 10)
    return -int(digits, base) if text.startswith("-") else int(digits, base)


def parse_assignment(text: str, expected: str) -> tuple[str, str]:
    """Return what stands before and after the first `=`; `expected` shows how to write it."""
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise fail(f"`{printable(text)}` is not {expected}")
    return name, value


def parse_defsym(text: str) -> Defsym:
    """Return a definition: `name=number`, `name=symbol`, `name=symbol+number`."""
    expected = "NAME=NUMBER or NAME=SYMBOL+NUMBER"
    name, value = parse_assignment(text, expected)
    found = _EXPRESSION.fullmatch(value)
    if found is None or (found["base"] and found["offset"] and found["offset"][0] not in "+-"):
        raise fail(f"`{printable(text)}` is not {expected}")
    return Defsym(name, found["base"], parse_number(found["offset"] or "0"))


def parse_start(text: str) -> tuple[str, int]:
    """Return a section and its address: `name=address`."""
    name, value = parse_assignment(text, "NAME=ADDRESS")
    return name, parse_number(value)


def parse_program(text: str) -> tuple[str, tuple[Path, ...]]:
    """Return a program and its files: `name=file,file,...`."""
    name, value = parse_assignment(text, "NAME=FILE,FILE,...")
    names = value.split(",")
    if not all(names):
        raise fail(f"`{printable(text)}` is not NAME=FILE,FILE,...")
    return name, tuple(Path(name) for name in names)


def parse_placement(text: str) -> tuple[str, tuple[Rectangle, ...]]:
    """Return a program and where it runs: `name=x,y;x,y,WxH;...`."""
    name, value = parse_assignment(text, "NAME=X,Y,WxH;...")
    return name, tuple(parse_rectangle(part.strip()) for part in value.split(";"))


def parse_rectangle(text: str) -> Rectangle:
    """Return nodes: `x,y` is one, `x,y,WxH` or `x,y WxH` a rectangle."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise fail(f"`{printable(text)}` is not a place", hint="write X,Y or X,Y,WxH, as 0,4,8x2")
    x, y, width, height = (int(part or "1") for part in found.groups())
    if not width or not height:
        raise fail(f"the place `{printable(text)}` has no nodes")
    if max(x + width, y + height) - 1 > mask(COORDINATE_BITS):
        side = 1 << COORDINATE_BITS
        raise fail(f"the place `{printable(text)}` lies outside {side}x{side} nodes")
    return Rectangle(x, y, width, height)
