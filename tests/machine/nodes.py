"""Tiny programs of many nodes: which piece of code each thread runs, with which registers.

All nodes of a machine hold the same code. The host sets where thread 0 of each node begins and what
is in its registers, so that the first instruction issues at cycle 0. Without the issue rule each
instruction takes one cycle: the n-th after it issues at cycle n.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from dojo_tools.assembler import assemble
from dojo_tools.description import Description, MachineDef, load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.mesh import AGENT_BITS
from dojo_tools.linker import link
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd
from dojo_tools.objects import Image

ENGINES = ("reference", "native") if find_spec("dojo_tools.engines.native.mesh") else ("reference",)
IDLE = "idle"
RESERVED = 0x100


@cache
def description() -> Description:
    """Return the description, loaded once."""
    return load_description()


@cache
def machine(name: str = "small") -> MachineDef:
    """Return a shipped machine, loaded once."""
    return load_machine(name)


def user_machine(folder: Path, text: str) -> MachineDef:
    """Return the machine of a file that builds on `node`."""
    path = folder / "user.toml"
    path.write_text(f'base = "node"\n{text}')
    return load_machine(str(path))


@cache
def image_of(code: str, sram_bytes: int, threads: int) -> Image:
    """Return the image of code; a node that runs none of it halts at `idle`."""
    text = f".threads {threads}\n.text\n.global _start\n_start:\n{IDLE}: halti 0\n{code}\n"
    found = assemble(Source("nodes.s", text), description(), (), {})
    return link([found.object], description().relocations, sram_bytes, name="nodes")


def at(x: int, y: int, offset: int = 0) -> int:
    """Return the global address of an offset on a node of the partition."""
    return 1 << 60 | y << 44 | x << 32 | offset


def dip(card: int, offset: int = 0) -> int:
    """Return the global address of an offset on a DIP card."""
    return 2 << 60 | card << 36 | offset


def rectangle(x: int, y: int, width: int, height: int) -> int:
    """Return a rectangle as a register or a request holds it."""
    return x | y << 12 | width << 24 | height << 36


class Nodes:
    """A mesh whose nodes run pieces of `code`, begun at labels."""

    def __init__(
        self,
        code: str,
        engine: str = "reference",
        on: MachineDef | None = None,
        threads: int = 1,
        timing: bool = False,
        workers: int = 1,
    ) -> None:
        # Less memory than a node has is quicker to make, and enough.
        on = on or replace(machine(), sram_bytes=0x20000)
        image = image_of(code, on.sram_bytes, threads)
        self.labels = {symbol.name: symbol.value for symbol in image.symbols}
        self.mesh = Mesh(
            image,
            description(),
            on,
            engine=engine,
            timing=timing,
            grid=(on.grid.width, on.grid.height),
            workers=workers,
        )
        self.controls = {control.name: control.number for control in description().controls}

    def agent(self, x: int, y: int, thread: int = 0) -> int:
        """Return the number of a thread among all agents."""
        return self.mesh.node_at(x, y) << AGENT_BITS | thread

    def begin(self, x: int, y: int, label: str, **registers: int) -> None:
        """Let thread 0 of a node begin at a label, with registers and control registers set."""
        thread = self.mesh.engine.thread(self.agent(x, y))
        thread.pc = self.labels[label]
        for name, value in registers.items():
            if name in self.controls:
                thread.set_control(self.controls[name], value)
            else:
                thread.write_register(name, value)

    def run(
        self,
        reason: EndReason = EndReason.DONE,
        limit: int = 10**10,
        cycles_max: int | None = None,
    ) -> MeshEnd:
        """Run, and check why the run ended and that nothing is left under way."""
        end = self.mesh.run(limit, cycles_max)
        assert end.reason is reason, end
        if reason is EndReason.DONE:
            self.check_drained()
        return end

    def check_drained(self) -> None:
        """Check that no event and no transfer is left, and that streams are free."""
        arrays = self.mesh.arrays
        assert not any(arrays["queue_count"])
        assert not any(arrays["near_times"])
        assert not any(arrays["later_count"])
        assert not any(arrays["stream"]), "a transfer is still being sent"
        assert not any(arrays["waiting_first"]), "a transfer still waits for a stream"
        for die in range(self.mesh.dies):
            free, index = 0, arrays["t_free"][die]
            while index:
                free, index = free + 1, arrays["t_next"][index - 1]
            assert free == arrays["t_used"][die], "a transfer is not done"

    def halted_at(self, x: int, y: int, thread: int = 0) -> int:
        """Return the cycle in which the halt of a thread issued."""
        return self.mesh.arrays["ended"][self.agent(x, y, thread)] - 1

    def posted_at(self, x: int, y: int, thread: int = 0) -> int:
        """Return the cycle of the post that let a thread go on whose next instruction halts."""
        return self.halted_at(x, y, thread) - 1

    def write(self, x: int, y: int, address: int, values: Sequence[int]) -> None:
        """Set words of 64 bits of a node's memory before the run."""
        contents = b"".join((value & (1 << 64) - 1).to_bytes(8, "little") for value in values)
        self.mesh.engine.write_memory(self.mesh.node_at(x, y), address, contents)

    def read(self, x: int, y: int, address: int, count: int = 1) -> list[int]:
        """Return words of 64 bits of a node's memory."""
        return words(self.mesh.engine.read_memory(self.mesh.node_at(x, y), address, 8 * count))

    def register(self, x: int, y: int, name: str, thread: int = 0) -> int:
        """Return a scalar register of a thread."""
        value = self.mesh.engine.thread(self.agent(x, y, thread)).read_register(name)
        assert isinstance(value, int)
        return value

    def semaphore(self, x: int, y: int, number: int) -> int:
        """Return the value of a semaphore."""
        count = self.mesh.machine.semaphores.count
        return self.mesh.arrays["semaphore"][self.mesh.node_at(x, y) * count + number]


def words(contents: bytes) -> list[int]:
    """Return the words of 64 bits of memory."""
    starts = range(0, len(contents), 8)
    return [int.from_bytes(contents[start : start + 8], "little") for start in starts]


def counting(count: int, first: int = 1) -> list[int]:
    """Return different words, as contents of a block."""
    return [first * 0x0101_0101_0101 + index for index in range(count)]


def entry(kind: int, *arguments: int) -> list[int]:
    """Return the eight words of a list entry; the first argument has its kind above it."""
    given = [*arguments, *[0] * 8][:8]
    return [kind << 56 | given[0], *given[1:]]
