"""Runs batches of random programs on every engine, and tells what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dojo_tools.machine.mesh import EndReason, MeshEnd
from nodes import ENGINES, Nodes
from random_meshes import RESULTS, Batch, Program

PRIVATE_ARRAYS = {
    *("machine", "budget", "exit_code", "interrupted", "horizon", "asked", "shared", "taken"),
    *("side", "wanted", "known", "gathering"),
}
"""What depends on when the host looks, which die asks it first, and how an engine finds its way."""

ROOM = ("queue", "event", "near", "later", "sent", "t_")
"""Beginnings of names of arrays with room for much: what is in use is empty at the end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a batch: how it ended, and what was wrong."""

    batch: Batch
    reason: EndReason
    wrong: tuple[str, ...]


def run_batch(batch: Batch, engines: Sequence[str] = ENGINES) -> Outcome:
    """Run the programs of a batch on every engine; compare them, and results with the model."""
    programs = batch.programs()
    ran: list[tuple[Nodes, MeshEnd]] = []
    wrong: list[str] = []
    for engine in engines:
        nodes = batch.nodes(engine, programs)
        end = nodes.mesh.run()
        ran.append((nodes, end))
        if not batch.is_racy:
            wrong += [f"{engine}: {text}" for text in unexpected(nodes, end, programs)]
    for other in ran[1:]:
        wrong += differences(ran[0], other)
    return Outcome(batch, ran[0][1].reason, tuple(wrong[:20]))


def unexpected(nodes: Nodes, end: MeshEnd, programs: list[Program]) -> Iterator[str]:
    """Yield what is not as the model of programs free of races has it."""
    if end.reason is not EndReason.DONE:
        yield str(end)
        return
    nodes.check_drained()
    for program in programs:
        for (x, y), contents in program.expected.items():
            for address, value in contents.items():
                found = nodes.read(x, y, address)[0]
                if found != value:
                    name = " (a result)" if address >= RESULTS else ""
                    yield f"node ({x}, {y}) 0x{address:x}{name}: 0x{found:x}, not 0x{value:x}"


def differences(one: tuple[Nodes, MeshEnd], other: tuple[Nodes, MeshEnd]) -> Iterator[str]:
    """Yield what differs between two engines: ends, prints, arrays, registers, memory."""
    (first, first_end), (second, second_end) = one, other
    if first_end != second_end:
        yield f"{first_end} and {second_end}"
    if first.mesh.lines != second.mesh.lines:
        yield "prints"
    for name, view in first.mesh.arrays.views.items():
        if name not in PRIVATE_ARRAYS and not name.startswith(ROOM):
            for index, (left, right) in enumerate(
                zip(view, second.mesh.arrays[name], strict=True)
                if bytes(view) != bytes(second.mesh.arrays[name])
                else ()
            ):
                if left != right:
                    yield f"{name}[{index}]: {left} and {right}"
    for node in range(len(first.mesh.topology.live)):
        size = first.mesh.machine.sram_bytes
        if first.mesh.engine.read_memory(node, 0, size) != second.mesh.engine.read_memory(
            node, 0, size
        ):
            yield f"memory of node {node}"
    for agent in first.mesh.agents():
        left, right = (nodes.mesh.engine.thread(agent) for nodes in (first, second))
        if (left.pc, left.retired, left.cycles) != (right.pc, right.retired, right.cycles):
            yield f"agent {agent}: pc, instructions or cycles"
        for name in [*(f"x{n}" for n in range(1, 32)), "v1"]:
            if left.read_register(name) != right.read_register(name):
                yield f"agent {agent}: {name}"
