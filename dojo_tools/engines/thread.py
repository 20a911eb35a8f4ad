"""What the host may do with a thread, whichever engine runs it."""

from collections.abc import Mapping
from typing import Protocol

from dojo_tools.description import Description, Instruction
from dojo_tools.engines.printing import Printed
from dojo_tools.engines.records import Record
from dojo_tools.engines.request import Request
from dojo_tools.engines.stop import Stop
from dojo_tools.engines.timing import Cause

RegisterValue = int | bytes


class Thread(Protocol):
    """A thread's registers and its node's memory, and the means to run it."""

    description: Description
    printed: list[Printed]

    @property
    def pc(self) -> int:
        """The address of the next instruction."""
        ...

    @pc.setter
    def pc(self, address: int) -> None: ...

    @property
    def stop_at_breakpoints(self) -> bool:
        """Whether a breakpoint ends a run."""
        ...

    @stop_at_breakpoints.setter
    def stop_at_breakpoints(self, wanted: bool) -> None: ...

    @property
    def retired(self) -> int:
        """Instructions executed so far."""
        ...

    @property
    def request(self) -> Request:
        """What the last interaction asked for: it has stopped the run that it is in."""
        ...

    @property
    def cycles(self) -> int:
        """Cycles so far, the one being filled included if something has issued in it."""
        ...

    @property
    def causes(self) -> Mapping[Cause, int]:
        """What each of `cycles` went to."""
        ...

    def next_issue_cycle(self) -> int:
        """Return the cycle in which the next instruction issues, the present one if it can't."""
        ...

    @property
    def memory_size(self) -> int:
        """Bytes of SRAM."""
        ...

    @property
    def controls(self) -> Mapping[int, int]:
        """The control registers by number."""
        ...

    def set_control(self, number: int, value: int) -> None:
        """Set a control register, also one that programs can only read."""
        ...

    def read_register(self, name: str) -> RegisterValue:
        """Return a register: an integer if it has 64 bits, else its bytes; else `LookupError`."""
        ...

    def write_register(self, name: str, value: RegisterValue) -> None:
        """Set a register: an integer taken modulo 2^64, or all the bytes of a wider one."""
        ...

    def read_memory(self, address: int, size: int) -> bytes:
        """Return bytes of SRAM."""
        ...

    def write_memory(self, address: int, contents: bytes) -> None:
        """Set bytes of SRAM from outside: they are never stale code."""
        ...

    def decode_at(self, pc: int) -> Instruction | None:
        """Return the instruction at an address, or None where there is none."""
        ...

    def last_records(self, count: int) -> list[Record]:
        """Return the records of the last `count` instructions, if as many are kept."""
        ...

    def run(
        self,
        limit: int,
        printed_max: int | None = None,
        seconds: float | None = None,
        cycles_max: int | None = None,
    ) -> Stop:
        """Execute until the thread stops or has retired `limit` more instructions.

        The run also ends, as at the limit, once it has printed `printed_max` characters, or soon
        after it has taken `seconds` of the host's time. With `cycles_max` no instruction issues in
        that cycle or later.
        """
        ...
