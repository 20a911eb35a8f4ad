"""How a run of a thread stops. Machine faults are values: what was accessed, and what fits."""

from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """What went wrong; the names are those that worked examples and reports use."""

    BOUNDS = "bounds"
    ALIGNMENT = "alignment"
    PC = "pc"
    ILLEGAL = "illegal"
    STALE = "stale"
    SHARE = "share"
    TRAP = "trap"
    TEXT = "text"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Fault:
    """A precise fault: the instruction at `pc` has changed nothing.

    `address` is that of the memory that it would have accessed, or jumped to.
    """

    kind: FaultKind
    pc: int
    message: str
    hint: str | None = None
    address: int | None = None


class StopReason(Enum):
    """Why a run returned."""

    HALT = "halt"
    FAULT = "fault"
    LIMIT = "limit"
    BREAKPOINT = "breakpoint"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of a run; `code` is the exit code of a halt, `fault` says what faulted."""

    reason: StopReason
    code: int = 0
    fault: Fault | None = None


class FaultSignal(Exception):
    """Carries a fault from inside an instruction to the engine's loop."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault
