"""What a description says, as frozen data: fields, registers, operands, instructions.

Everything here is computed from the files in `isa/` by the loader and never typed in Python. Bit
ranges are inclusive, `[31:26]`; sizes are in bytes, widths in bits.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from dojo_tools.description import codec
from dojo_tools.description.expressions import Template, TemplateExpression
from dojo_tools.description.semantics import SEMANTIC_CLASSES, Statement
from dojo_tools.description.types import Type


class Standing(Enum):
    """How well a fact is founded."""

    PUBLISHED = "published"
    INFERRED = "inferred"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Provenance:
    """The standing of a fact, and where it was found or why it was chosen."""

    standing: Standing
    source: str

    def __str__(self) -> str:
        return f"{self.standing.value}: {self.source}"


@dataclass(frozen=True, slots=True)
class BitRange:
    """Bits [high:low] of a word."""

    high: int
    low: int

    @property
    def width(self) -> int:
        """The count of bits."""
        return self.high - self.low + 1

    def __str__(self) -> str:
        return f"[{self.high}:{self.low}]"


@dataclass(frozen=True, slots=True)
class Field:
    """A named part of the word at a fixed place; its most significant range comes first."""

    name: str
    ranges: tuple[BitRange, ...]
    summary: str

    @property
    def width(self) -> int:
        """The count of bits of all ranges."""
        return sum(part.width for part in self.ranges)


@dataclass(frozen=True, slots=True)
class Format:
    """A division of the 32 bits of a word into fields."""

    name: str
    fields: tuple[Field, ...]
    summary: str


@dataclass(frozen=True, slots=True)
class Code:
    """A named value of a field, for example a major opcode."""

    field: str
    name: str
    value: int
    summary: str


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A file of registers; `zero` is the index that reads as zero, or None."""

    name: str
    count: int
    width: int
    zero: int | None
    names: tuple[tuple[str, int], ...]
    summary: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ControlRegister:
    """A control register of a thread; reads are zero-extended, writes keep the low `width` bits."""

    name: str
    number: int
    writable: bool
    width: int
    summary: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that executes instructions; how many there are stands in the machine files."""

    name: str
    summary: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class RelocationKind:
    """How the linker writes a reference: value S + A, or S + A - P when relative to the pc.

    With `on_node` the value is the global address of S + A on a node: S is the symbol's address in
    the program placed there; the addend has A and the node, as `docs/abi.md` says.
    """

    number: int
    name: str
    pc_relative: bool
    size: int
    ranges: tuple[BitRange, ...]
    scale: int
    low: int
    high: int
    on_node: bool = False

    @property
    def formula(self) -> str:
        """The value in the letters of the ABI: symbol, addend, place, node."""
        if self.on_node:
            return "N + S + A"
        return "S + A - P" if self.pc_relative else "S + A"


class OperandClass(Enum):
    """What a user writes for an operand."""

    REGISTER = "register"
    PREDICATE = "predicate"
    CONTROL = "control"
    IMMEDIATE = "immediate"


@dataclass(frozen=True, slots=True)
class OperandKind:
    """An operand: what is written in the source, and the field that holds its code.

    `names` gives the code of every name that fits (registers, predicates, control registers).
    An immediate lies in `low`..`high`, is a multiple of `scale`, is stored divided by `scale`, and
    counts from the instruction's own address when `pc_relative`. `type` is the type of its value in
    a meaning; `relocation` says how the linker fills it in.
    """

    name: str
    operand_class: OperandClass
    field: Field
    summary: str
    file: str = ""
    names: tuple[tuple[str, int], ...] = ()
    type: Type | None = None
    low: int = 0
    high: int = 0
    scale: int = 1
    pc_relative: bool = False
    relocation: RelocationKind | None = None

    @property
    def is_signed(self) -> bool:
        """Whether the field holds a two's-complement number."""
        return self.low < 0


@dataclass(frozen=True, slots=True)
class DataKind:
    """A data directive: `.word 1, 2`. `type` is its element; integers may hold addresses."""

    name: str
    type: Type
    relocation: RelocationKind | None
    summary: str


@dataclass(frozen=True, slots=True)
class Timing:
    """The unit an instruction occupies and the cycles until its result can be used.

    It keeps the unit from other instructions for `occupancy_cycles`, or longer if the machine says
    so of the unit. `beats` is how often it uses a memory port, None where its meaning tells.
    """

    unit: str
    latency_cycles: int
    occupancy_cycles: int = 1
    beats: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A place that a worked example sets or looks at.

    `kind` is "operand", "memory", "control" or "pc"; `name` the operand or control register;
    `address` a memory address in bytes.
    """

    kind: str
    name: str
    type: Type
    address: int = 0
    zeroing: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """A place and its values: one for every lane, or a pattern that repeats over the lanes."""

    place: Place
    values: tuple[int | float, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: the state before, and what must hold after.

    `outcome` is "" for normal completion, else "fault NAME", "halt CODE", "print TEXT", "break" or
    "request NAME(ARGUMENTS)".
    The instruction stands at `EXAMPLE_ADDRESS`; registers and memory not mentioned are zero.
    """

    text: str
    before: tuple[Setting, ...]
    after: tuple[Setting, ...]
    outcome: str
    defined_at: str


EXAMPLE_ADDRESS = 0x1000
EXAMPLE_MEMORY_SIZE = 0x14_0000

_MEANING_CLASSES = (*SEMANTIC_CLASSES, Example, Setting, Place)


class Meaning:
    """What an instruction does, and the examples that show it; from the cache, decoded when used.

    `text` is the meaning as the description writes it.
    """

    __slots__ = ("_encoded", "_examples", "_statements", "_text")

    def __init__(
        self, statements: tuple[Statement, ...], examples: tuple[Example, ...], text: str
    ) -> None:
        self._statements = statements
        self._examples = examples
        self._text = text
        self._encoded: Any = None

    @classmethod
    def decode_deferred(cls, encoded: Any) -> "Meaning":
        """Return the meaning that `encode_deferred` encoded; damage shows on first use."""
        meaning = cls((), (), "")
        meaning._encoded = encoded
        return meaning

    def encode_deferred(self) -> Any:
        """Return statements, examples and text as JSON-able lists."""
        encoder = codec.Encoder(_MEANING_CLASSES)
        return encoder.encode((self.statements, self.examples, self.text))

    @property
    def statements(self) -> tuple[Statement, ...]:
        """The checked statements, in order."""
        self._decode()
        return self._statements

    @property
    def examples(self) -> tuple[Example, ...]:
        """The worked examples, at least one."""
        self._decode()
        return self._examples

    @property
    def text(self) -> str:
        """The source of the statements: its lines without common indentation, family filled in."""
        self._decode()
        return self._text

    def _decode(self) -> None:
        if self._encoded is not None:
            decoded = codec.decode(self._encoded, _MEANING_CLASSES)
            self._statements, self._examples, self._text = decoded
            self._encoded = None


@dataclass(frozen=True, slots=True)
class SyntaxItem:
    """One written operand: `base` alone, or `[base + offset]`; `optional` ones may be left out."""

    base: str
    is_memory: bool = False
    offset: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class InstructionDef:
    """An instruction: syntax, encoding, timing, provenance, examples and meaning.

    A word is this instruction when `word & mask == match` and every operand's code is one that its
    kind allows. `far` is the expansion for a target out of reach, or empty.
    """

    mnemonic: str
    operands: tuple[OperandKind, ...]
    syntax: tuple[SyntaxItem, ...]
    summary: str
    format: Format
    fixed: tuple[tuple[str, int], ...]
    mask: int
    match: int
    timing: Timing
    provenance: Provenance
    far: tuple[Template, ...]
    section: str
    defined_at: str
    meaning: Meaning

    @property
    def examples(self) -> tuple[Example, ...]:
        """The worked examples, at least one."""
        return self.meaning.examples

    @property
    def syntax_text(self) -> str:
        """The syntax as the manual prints it, for example `ld xd, [xa + imm12]`."""
        return format_syntax(self.mnemonic, self.syntax)

    def operand(self, name: str) -> OperandKind:
        """Return the operand of that name."""
        return next(kind for kind in self.operands if kind.name == name)


@dataclass(frozen=True, slots=True)
class AliasDef:
    """Another name for one instruction with some operands fixed; the disassembler may print it."""

    mnemonic: str
    operands: tuple[OperandKind, ...]
    syntax: tuple[SyntaxItem, ...]
    summary: str
    template: Template
    section: str
    defined_at: str

    @property
    def syntax_text(self) -> str:
        """The syntax as the manual prints it."""
        return format_syntax(self.mnemonic, self.syntax)

    def operand(self, name: str) -> OperandKind:
        """Return the operand of that name."""
        return next(kind for kind in self.operands if kind.name == name)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a pseudo-instruction: an operand kind, or a constant of a type.

    A constant's name stands for its value: an integer in the signed range of `i64`, or the code of
    a float literal rounded to the type.
    """

    name: str
    operand: OperandKind | None
    type: Type | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One expansion of a pseudo-instruction, taken when `condition` holds (None: always)."""

    condition: TemplateExpression | None
    lines: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class PseudoDef:
    """A pseudo-instruction; the first variant whose condition holds is the expansion."""

    mnemonic: str
    parameters: tuple[Parameter, ...]
    summary: str
    variants: tuple[Variant, ...]
    section: str
    defined_at: str

    @property
    def syntax_text(self) -> str:
        """The syntax as the manual prints it."""
        names = ", ".join(parameter.name for parameter in self.parameters)
        return f"{self.mnemonic} {names}".rstrip()


def format_syntax(mnemonic: str, syntax: tuple[SyntaxItem, ...]) -> str:
    """Return a mnemonic and its operand pattern as the manual prints them."""
    text = ""
    for index, item in enumerate(syntax):
        written = item.base
        if item.is_memory:
            written = f"[{item.base} + {item.offset}]" if item.offset else f"[{item.base}]"
        comma = ", " if index else ""
        text += f" [{comma.strip()} {written}]" if item.optional else f"{comma}{written}"
    return f"{mnemonic} {text}".rstrip()
