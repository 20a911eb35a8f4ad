"""Runs of a sample as a process of its own makes them: digests of all that they leave behind.

Each sample runs in its small size to the end, to half of its instructions, and with an illegal
word where that stopped, which is a fault. `python sample_digests.py ENGINE WORKERS [SAMPLE...]`
prints the digests as JSON, by sample and kind of run, and takes the folder it runs in for files.
"""

import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from dojo_tools.description import Description, load_description, load_machine
from dojo_tools.engines.state import register_places, value_text
from dojo_tools.machine import Machine, load_program
from dojo_tools.machine.mesh import Mesh
from dojo_tools.machine.mesh_pair import COUNTERS, node_digest
from dojo_tools.objects import Section, Segment, save_image
from dojo_tools.runs import RunFile, RunReport, Status, execute_run, load_run_file
from dojo_tools.runs.fidelity import FIGURES, FOLDER
from dojo_tools.runs.model import Grid

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
ILLEGAL = bytes(4)
NODES_MAX = 16

Part = TypeVar("Part", Section, Segment)


def sample_names() -> list[str]:
    """Return the folders of all samples."""
    return sorted(path.name for path in SAMPLES.iterdir() if path.is_dir())


def runs_of(sample: str) -> Iterator[tuple[str, RunFile]]:
    """Yield the runs of a sample by name: its small size, each source of one without sizes.

    Figures that are measured have their programs in common: those of few nodes are run.
    """
    folder = SAMPLES / sample
    if (folder / "run.toml").exists():
        yield sample, load_run_file(folder / "run.toml")
    elif folder.samefile(FOLDER):
        for figure in FIGURES:
            beside = folder / figure.machine
            machine = str(beside) if beside.exists() else figure.machine
            grid = Grid(figure.grid, figure.at)
            if math.prod(figure.grid or (load_machine(machine).grid.width,) * 2) <= NODES_MAX:
                program = (folder / figure.program,)
                yield (
                    f"{sample}/{figure.name}",
                    RunFile(
                        figure.name, program, machine=machine, grid=grid, defines=figure.defines
                    ),
                )
    else:
        for source in sorted(folder.glob("*.s")):
            yield f"{sample}/{source.stem}", RunFile(source.stem, (source,), machine="small")


def digests(
    sample: str, description: Description, engine: str, workers: int
) -> Iterator[tuple[str, str]]:
    """Yield names and digests of all runs of a sample, and how each ended."""
    for name, run_file in runs_of(sample):
        run_file = replace(run_file, workers=workers)
        whole = execute_run(run_file, description, engine=engine)
        assert whole.status is Status.DONE, f"{name}: {whole.message}"
        yield name, digest(whole)
        half = replace(run_file, instructions_max=longest(whole) // 2)
        limited = execute_run(half, description, engine=engine)
        assert limited.status is Status.LIMIT, f"{name}: {limited.message}"
        yield f"{name}, limited", digest(limited)
        broken = execute_run(
            breaking(run_file, limited.pc, description), description, engine=engine
        )
        assert broken.status is Status.FAULT, f"{name}: {broken.message}"
        yield f"{name}, broken", digest(broken)


def longest(report: RunReport) -> int:
    """Return the instructions of the thread that retired most."""
    if isinstance(report.ran, Machine):
        return report.retired
    mesh = report.mesh
    return max(mesh.engine.thread(agent).retired for agent in mesh.agents())


def breaking(run_file: RunFile, pc: int, description: Description) -> RunFile:
    """Return a run of the same program with an illegal word at an address."""
    machine = load_machine(run_file.machine)
    image = load_program(run_file.program, description, defines=run_file.defines, machine=machine)
    path = Path("broken.img")
    segments = tuple(with_word(segment, pc) for segment in image.segments)
    sections = tuple(with_word(s, pc) if s.allocated else s for s in image.sections)
    save_image(path, replace(image, segments=segments, sections=sections))
    return replace(run_file, program=(path,), defines={})


def with_word(part: Part, pc: int) -> Part:
    """Return a part of an image with an illegal word at an address, if it has that."""
    offset = pc - part.address
    if not 0 <= offset < len(part.contents):
        return part
    before, after = part.contents[:offset], part.contents[offset + len(ILLEGAL) :]
    return replace(part, contents=before + ILLEGAL + after)


def digest(report: RunReport) -> str:
    """Return a digest of how a run ended, what it printed, and the state of all nodes."""
    facts = (report.status, report.stop, report.pc, report.retired, report.cycles)
    found = hashlib.sha256(f"{facts} {report.causes} {report.printed!r}".encode())
    for output in report.outputs:
        found.update("\n".join(output.lines()).encode())
    if isinstance(report.ran, Machine):
        found.update(state_of(report.ran))
    else:
        found.update(mesh_state_of(report.mesh))
        found.update(str((report.end, report.lines)).encode())
    return f"{report.status.value} {found.hexdigest()}"


def state_of(machine: Machine) -> bytes:
    """Return registers and memory of a node by itself."""
    names = register_places(machine.description)
    texts = [value_text(machine.read_register(name)) for name in names]
    return " ".join(texts).encode() + machine.read_memory(0, machine.definition.sram_bytes)


def mesh_state_of(mesh: Mesh) -> bytes:
    """Return digests of all nodes, and the counters of the mesh."""
    nodes = "".join(node_digest(mesh, node) for node in sorted(mesh.program_of))
    return nodes.encode() + b"".join(bytes(mesh.arrays[name]) for name in COUNTERS)


def main() -> None:
    engine, workers, *samples = sys.argv[1:]
    description = load_description()
    found = {
        name: text
        for sample in samples or sample_names()
        for name, text in digests(sample, description, engine, int(workers))
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
