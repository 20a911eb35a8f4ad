"""Instructions with nothing left to decide, from text to word without a tree in between.

An operand that is a register or a number has its bits wherever the instruction stands. Tables that
fill as they are used give the bits of each written operand; a line whose operands are all in them
is encoded by looking them up. Whatever else there is, mistakes included, takes the way over trees;
a property test holds the two equal.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from dojo_tools.assembler.literals import read_integer
from dojo_tools.assembler.operands import syntax_of
from dojo_tools.assembler.tree import Refused
from dojo_tools.description import (
    AliasDef,
    Description,
    InstructionDef,
    OperandClass,
    OperandKind,
    PseudoDef,
    allows,
    expressions,
    insert_ranges,
)
from dojo_tools.diagnostics import Source, Span

_LINE = re.compile(r"[ \t]*([A-Za-z_$][0-9A-Za-z_.$]*)(?:[ \t]+(\S.*)|[ \t]*)$", re.ASCII)
_DIGITS = "0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,20}"
_NUMBER = re.compile(rf"(-?)({_DIGITS})")
_MEMORY = re.compile(
    rf"\[[ \t]*([A-Za-z_$][0-9A-Za-z_.$]*)[ \t]*(?:([+-])[ \t]*({_DIGITS})[ \t]*)?\]"
)
_REMEMBERED_MAX = 1 << 16
_NOWHERE = Span(Source("", ""), 0, 0)


class _Bits(dict[str, int]):
    """The bits of a written operand in the word, found when first asked for.

    `KeyError` means that the operand needs the long way.
    """

    def find(self, text: str) -> int | None:
        """Return the bits of an operand, or None where it does not fit or is not a plain one."""
        raise NotImplementedError

    def __missing__(self, text: str) -> int:
        found = self.find(text)
        if found is None:
            raise KeyError(text)
        if len(self) < _REMEMBERED_MAX:
            self[text] = found
        return found


class _NamedBits(_Bits):
    """A register, predicate or control register: all its names are known at once."""

    def __init__(self, kind: OperandKind, registers: Mapping[str, int]) -> None:
        names = registers if kind.operand_class is OperandClass.REGISTER else dict(kind.names)
        ranges = kind.field.ranges
        super().__init__(
            {name: insert_ranges(0, ranges, code // kind.scale) for name, code in names.items()}
        )

    def find(self, text: str) -> int | None:
        return None


class _NumberBits(_Bits):
    """A number."""

    def __init__(self, kind: OperandKind) -> None:
        super().__init__()
        self.kind = kind

    def find(self, text: str) -> int | None:
        match = _NUMBER.fullmatch(text)
        return None if match is None else self.of_number(match[1], match[2])

    def of_number(self, sign: str | None, digits: str) -> int | None:
        """Return the bits of a number."""
        try:
            number = read_integer(digits, _NOWHERE)
        except Refused:
            return None
        number = -number if sign == "-" else number
        kind = self.kind
        if not allows(kind, number):
            return None
        return insert_ranges(0, kind.field.ranges, number // kind.scale)


class _MemoryBits(_Bits):
    """An operand in brackets: a register, and perhaps a number."""

    def __init__(self, base: _NamedBits, offset: _NumberBits | None) -> None:
        super().__init__()
        self.base = base
        self.offset = offset

    def find(self, text: str) -> int | None:
        match = _MEMORY.fullmatch(text)
        if match is None:
            return None
        base = self.base.get(match[1])
        if base is None:
            return None
        if self.offset is None:
            return None if match[3] else base
        offset = self.offset.of_number(match[2], match[3] or "0")
        return None if offset is None else base | offset


@dataclass(frozen=True, slots=True)
class _Form:
    """An instruction that takes so many operands: its fixed bits, and those of each operand."""

    match: int
    operands: tuple[_Bits, ...]


class FixedCode:
    """Encodes lines that need nothing but the description."""

    def __init__(self, description: Description) -> None:
        self._description = description
        self._words: dict[str, int] = {}
        self._forms: dict[tuple[str, int], tuple[_Form, ...]] = {}
        self._operands: dict[str, _NamedBits | _NumberBits] = {}
        self._memories: dict[tuple[str, str], _MemoryBits] = {}

    def word(self, text: str) -> int | None:
        """Return the word of a line, or None for one that must be read the long way."""
        word = self._words.get(text)
        if word is not None:
            return word
        line = _LINE.match(text)
        if line is None:
            return None
        mnemonic, rest = line.groups()
        operands = [part.strip(" \t") for part in rest.split(",")] if rest else []
        key = (mnemonic, len(operands))
        forms = self._forms.get(key)
        if forms is None:
            if mnemonic not in self._description.mnemonics:
                return None
            forms = self._forms[key] = self._find_forms(*key)
        for form in forms:
            try:
                word = form.match
                for bits, operand in zip(form.operands, operands, strict=True):
                    word |= bits[operand]
            except KeyError:
                continue
            if len(self._words) < _REMEMBERED_MAX:
                self._words[text] = word
            return word
        return None

    def _find_forms(self, mnemonic: str, count: int) -> tuple[_Form, ...]:
        """Return the forms to try: of those with the same shape only the first counts."""
        found: list[_Form] = []
        shapes: set[tuple[bool, ...]] = set()
        for entry in self._description.mnemonics[mnemonic]:
            syntax = syntax_of(entry)
            if not sum(not item.optional for item in syntax) <= count <= len(syntax):
                continue
            shape = tuple(item.is_memory for item in syntax[:count])
            if shape in shapes:
                continue
            shapes.add(shape)
            form = None if isinstance(entry, PseudoDef) else self._form(entry, count)
            if form is not None:
                found.append(form)
        return tuple(found)

    def _form(self, entry: InstructionDef | AliasDef, count: int) -> _Form | None:
        if isinstance(entry, AliasDef):
            return self._alias_form(entry) if count == 0 else None
        if any(kind.pc_relative for kind in entry.operands):
            return None
        operands = [
            self._memory(
                entry.operand(item.base), entry.operand(item.offset) if item.offset else None
            )
            if item.is_memory
            else self._operand(entry.operand(item.base))
            for item in entry.syntax[:count]
        ]
        return _Form(entry.match, tuple(operands))

    def _alias_form(self, alias: AliasDef) -> _Form | None:
        """Return the form of an alias without operands, if what it stands for has a word."""
        operands: list[str] = []
        for operand in alias.template.operands:
            match operand.expression:
                case expressions.Name(text) | expressions.Number(text) if not operand.is_memory:
                    operands.append(str(text))
                case _:
                    return None
        word = self.word(f"{alias.template.mnemonic} {', '.join(operands)}")
        return None if word is None else _Form(word, ())

    def _operand(self, kind: OperandKind) -> _NamedBits | _NumberBits:
        if kind.name not in self._operands:
            if kind.operand_class is OperandClass.IMMEDIATE:
                self._operands[kind.name] = _NumberBits(kind)
            else:
                named = self._description.register_names.items()
                registers = {name: code for name, (file, code) in named if file.name == kind.file}
                self._operands[kind.name] = _NamedBits(kind, registers)
        return self._operands[kind.name]

    def _memory(self, base: OperandKind, offset: OperandKind | None) -> _MemoryBits:
        key = (base.name, offset.name if offset else "")
        if key not in self._memories:
            register, number = self._operand(base), self._operand(offset) if offset else None
            assert isinstance(register, _NamedBits)
            assert number is None or isinstance(number, _NumberBits)
            self._memories[key] = _MemoryBits(register, number)
        return self._memories[key]


def first_column(text: str) -> int:
    """Return where the statement of a line begins."""
    return len(text) - len(text.lstrip(" \t"))
