"""The checked text of procedures: what they name, their statements and expressions.

All values are signed integers of 64 bits. Names exist, counts of arguments fit, locals are defined
before use on every path, constants are numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dojo_tools.description.model import Provenance

APART_BITS = 4
"""Elements of arrays that are apart begin so many bits of words from each other: two cache lines,
since hosts fetch lines in pairs."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, or a constant by its value."""

    value: int


@dataclass(frozen=True, slots=True)
class Local:
    """The value of a local or parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Element:
    """An element of an array."""

    array: str
    index: "Expression"


@dataclass(frozen=True, slots=True)
class Invoke:
    """The result of a procedure or external function; arguments are evaluated in order."""

    name: str
    arguments: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`-`, `~` or `!`."""

    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    """Any operator of two operands; `&&` and `||` evaluate the right one only if need be."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? then : otherwise`; only the chosen one is evaluated."""

    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


Expression = Number | Local | Element | Invoke | Unary | Binary | Choice


@dataclass(frozen=True, slots=True)
class Assign:
    """Give a local or parameter a value."""

    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Store:
    """Give an element of an array a value; the value is evaluated before the index."""

    array: str
    index: Expression
    value: Expression


@dataclass(frozen=True, slots=True)
class Arm:
    """What to do under a condition."""

    condition: Expression
    statements: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class If:
    """Do the first arm whose condition is not 0, or else `otherwise`."""

    arms: tuple[Arm, ...]
    otherwise: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class While:
    """Repeat while the condition is not 0."""

    condition: Expression
    statements: tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the procedure with a result."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Discard:
    """Call, and drop the result."""

    invoke: Invoke


Statement = Assign | Store | If | While | Return | Discard


@dataclass(frozen=True, slots=True)
class ConstantDef:
    """A number with a name, which the host may need as well."""

    name: str
    value: int
    doc: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ArrayDef:
    """An array; the host decides how many elements it has.

    Elements that are apart share no cache lines, so that threads of the host that write different
    ones don't wait for each other. An element of an array that is `beside` another one stands in
    memory where that one's element of the same index does, with it apart from others.
    """

    name: str
    doc: str
    is_apart: bool = False
    beside: str | None = None


@dataclass(frozen=True, slots=True)
class ExternalDef:
    """A function of the host, which gives an integer."""

    name: str
    parameters: tuple[str, ...]
    doc: str


@dataclass(frozen=True, slots=True)
class ProcedureDef:
    """A procedure; one that ends without `return` gives 0."""

    name: str
    parameters: tuple[str, ...]
    doc: str
    statements: tuple[Statement, ...]
    provenance: Provenance
    defined_at: str


@dataclass(frozen=True, slots=True)
class Procedures:
    """All procedures of the mesh and what they name, each sort in the order of the texts."""

    constants: tuple[ConstantDef, ...]
    arrays: tuple[ArrayDef, ...]
    externals: tuple[ExternalDef, ...]
    procedures: tuple[ProcedureDef, ...]

    def groups(self) -> list[list[str]]:
        """Return the arrays whose elements of one index stand side by side, in order."""
        groups = {array.name: [array.name] for array in self.arrays if array.beside is None}
        for array in self.arrays:
            if array.beside is not None:
                groups[array.beside].append(array.name)
        return list(groups.values())

    def index_bits(self) -> dict[str, int]:
        """Return how far an index of each array is shifted to become a count of words."""
        apart = {array.name for array in self.arrays if array.is_apart}
        return {
            name: max((len(group) - 1).bit_length(), APART_BITS if group[0] in apart else 0)
            for group in self.groups()
            for name in group
        }

    def constant(self, name: str) -> int:
        """Return the value of a constant that exists."""
        return next(constant.value for constant in self.constants if constant.name == name)

    def procedure(self, name: str) -> ProcedureDef:
        """Return a procedure that exists."""
        return next(procedure for procedure in self.procedures if procedure.name == name)


def walk(node: Statement | Expression | Sequence[Statement]) -> Iterator[Statement | Expression]:
    """Yield statements and expressions with all that is in them, each before its parts."""
    if isinstance(node, Sequence):
        for statement in node:
            yield from walk(statement)
        return
    yield node
    for part in _parts(node):
        yield from walk(part)


def _parts(node: Statement | Expression) -> Iterator[Expression | Sequence[Statement]]:
    match node:
        case Number() | Local():
            return
        case Element(_, index):
            yield index
        case Invoke(_, arguments):
            yield from arguments
        case Unary(_, operand):
            yield operand
        case Binary(_, left, right):
            yield from (left, right)
        case Choice(condition, then, otherwise):
            yield from (condition, then, otherwise)
        case Assign(_, value) | Return(value):
            yield value
        case Store(_, index, value):
            yield from (value, index)
        case If(arms, otherwise):
            for arm in arms:
                yield arm.condition
                yield arm.statements
            yield otherwise
        case While(condition, statements):
            yield condition
            yield statements
        case Discard(invoke):
            yield invoke
