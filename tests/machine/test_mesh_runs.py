"""A run of many nodes is the same for both engines, any number of workers, any cache and folder."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dojo_tools.description import MachineDef, load_description, load_machine
from dojo_tools.machine import load_program
from dojo_tools.machine.mesh import EndReason, Mesh, MeshEnd

DESCRIPTION = load_description()
MACHINE = """\
base = "node"
[grid]
width = {size}
height = {size}
die_width = {die}
die_height = {die}
provenance = "chosen: dies of a few nodes"
"""
LARGE_DIE = """\
base = "node"
[grid]
width = 64
height = {height}
die_width = 64
die_height = {height}
provenance = "chosen: one die of many nodes"
"""
SIZES = {"four": (8, 4), "many": (10, 2)}
"""Nodes at an edge of a machine, and of a die of it."""
TRAFFIC = """\
# Nodes push to and pull from nodes that a generator chooses, and meet at a barrier now and then.
        .text
        .global _start
        .semaphore got
        .barrier sync
_start: ctl.read s0, node_number
        ctl.read s5, partition_width
        ctl.read s6, partition_height
        li      s1, 88172645463325252
        addi    s2, s0, 1
        mul     s1, s1, s2
        la      s3, block
        la      s7, target
        li      s4, 40
        li      s8, 1
        slli    s8, s8, 60
again:  slli    t0, s1, 13
        xor     s1, s1, t0
        srli    t0, s1, 7
        xor     s1, s1, t0
        slli    t0, s1, 17
        xor     s1, s1, t0
        sd      s1, [s3]
        srli    t1, s1, 40
        mul     t2, t1, s5
        srli    t2, t2, 24
        slli    t1, s1, 40
        srli    t1, t1, 40
        mul     t3, t1, s6
        srli    t3, t3, 24
        slli    t3, t3, 44
        slli    t2, t2, 32
        add     t2, t2, t3
        add     t2, t2, s8
        add     t2, t2, s7
        andi    t4, s1, 0xf8
        addi    t4, t4, 64
        push.post t2, s3, t4, got
        andi    t5, s1, 7
        bnez    t5, 1f
        pull    s3, t2, t4
1:      {more}
        andi    t5, s4, 15
        bnez    t5, 2f
        barrier.all sync
2:      loop.next s4, again
        barrier.all sync
        sem.read a0, got
        print.int a0
        halti   0
        .bss
        .balign 64
block:  .space 512
target: .space 512
"""
FAULT = """\
        addi    t6, x0, 20
        bne     s4, t6, 3f
        ld      t6, [x0]
3:"""
OVERFLOW = """\
        li      t6, 0xfffffff
        slli    t6, t6, 4
        bnez    s0, 3f
        sem.post got, t6
3:"""


def machine_of(name: str, folder: Path) -> MachineDef:
    """Return `small`, or a machine of four or 25 small dies."""
    if name == "small":
        return load_machine(name)
    path = folder / f"{name}.toml"
    size, die = SIZES[name]
    path.write_text(MACHINE.format(size=size, die=die))
    return load_machine(str(path))


def mesh_of(
    folder: Path,
    machine: str,
    more: str = "",
    engine: str = "native",
    workers: int = 1,
    timing: bool = True,
) -> Mesh:
    """Return a mesh with the traffic program."""
    source = folder / "traffic.s"
    source.write_text(TRAFFIC.format(more=more))
    image = load_program([source], DESCRIPTION)
    on = machine_of(machine, folder)
    return Mesh(image, DESCRIPTION, on, engine=engine, workers=workers, timing=timing)


def digest(mesh: Mesh, end: MeshEnd) -> str:
    """Return a digest of everything that a run leaves behind."""
    found = hashlib.sha256(f"{end.reason} {end.cycles} {end.retired} {mesh.lines}".encode())
    for node in sorted(mesh.program_of):
        found.update(mesh.engine.read_memory(node, 0, mesh.machine.sram_bytes))
    for agent in mesh.agents():
        thread = mesh.engine.thread(agent)
        registers = [thread.read_register(f"x{index}") for index in range(32)]
        found.update(str((thread.pc, thread.retired, thread.cycles, registers)).encode())
    for name in ("link_packets", "link_waited", "waited_semaphore", "semaphore", "posts"):
        found.update(bytes(mesh.arrays[name]))
    return found.hexdigest()


@pytest.mark.parametrize("timing", [True, False])
@pytest.mark.parametrize("machine", ["small", "four"])
def test_engines_and_workers_agree(machine: str, timing: bool, tmp_path: Path):
    digests: set[str] = set()
    for engine, workers in (("reference", 1), ("native", 1), ("native", 2), ("native", 3)):
        mesh = mesh_of(tmp_path, machine, engine=engine, workers=workers, timing=timing)
        end = mesh.run()
        assert end.reason is EndReason.DONE
        digests.add(digest(mesh, end))
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("more", "limits", "reason", "message"),
    [
        (FAULT, {}, EndReason.FAULT, "load of 8 bytes at 0x0"),
        (OVERFLOW, {}, EndReason.FAULT, "greater than it can count"),
        ("", {"limit": 700}, EndReason.LIMIT, ""),
        ("", {"limit": 1100}, EndReason.LIMIT, ""),
        ("", {"cycles_max": 777}, EndReason.LIMIT, ""),
    ],
)
def test_faults_and_limits_are_the_same_too(
    more: str, limits: dict[str, Any], reason: EndReason, message: str, tmp_path: Path
):
    found: set[tuple[str, str]] = set()
    for engine, workers in (("reference", 1), ("native", 1), ("native", 3)):
        mesh = mesh_of(tmp_path, "four", more, engine=engine, workers=workers)
        end = mesh.run(**limits)
        assert end.reason is reason
        text = f"{end.fault} {end.limited}"
        assert message in text
        found.add((digest(mesh, end), text))
    assert len(found) == 1


def test_more_dies_than_workers(tmp_path: Path):
    digests: set[str] = set()
    for workers in (1, 2, 4, 30):
        mesh = mesh_of(tmp_path, "many", workers=workers)
        end = mesh.run()
        assert end.reason is EndReason.DONE
        digests.add(digest(mesh, end))
    assert len(digests) == 1


ENDLESS = """\
        .text
        .global _start
_start: {work}
        jump    _start
"""


@pytest.mark.parametrize(("engine", "workers"), [("reference", 1), ("native", 1), ("native", 2)])
@pytest.mark.parametrize("work", ["", "thread.yield"])
def test_an_interrupt_ends_a_run_soon(engine: str, workers: int, work: str, tmp_path: Path):
    source = tmp_path / "endless.s"
    source.write_text(ENDLESS.format(work=work))
    image = load_program([source], DESCRIPTION)
    on = machine_of("four", tmp_path)
    mesh = Mesh(image, DESCRIPTION, on, engine=engine, workers=workers)
    times: list[float] = []

    def interrupt() -> None:
        times.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.5, interrupt)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        mesh.run(limit=10**15)
    assert time.monotonic() - times[0] < 1
    assert mesh.end_so_far().retired > 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_in_pieces_is_the_same(workers: int, tmp_path: Path):
    whole = mesh_of(tmp_path, "four", engine="native")
    expected = digest(whole, whole.run())
    mesh = mesh_of(tmp_path, "four", engine="native", workers=workers)
    end = mesh.run(seconds=0)
    pieces = 1
    while end.reason is EndReason.PAUSED:
        end = mesh.run(seconds=0)
        pieces += 1
    assert pieces > 10
    assert digest(mesh, end) == expected


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_nothing_is_printed_before_the_settled_cycle_of_a_pause(engine: str, tmp_path: Path):
    mesh = mesh_of(tmp_path, "small", engine=engine)
    settled = printed = 0
    while mesh.run(seconds=0).reason is EndReason.PAUSED:
        new = mesh.lines[printed:]
        assert all(line.cycle >= settled for line in new)
        printed, settled = len(mesh.lines), mesh.settled_cycle()
    assert settled > 0


COUNTING = """\
        .text
        .global _start
_start: li      s1, 1000
_work:  loop.next s1, _work
        addi    a0, a0, 1
        print.int a0
        jump    _start
"""


@pytest.mark.parametrize("engine", ["reference", "native"])
@pytest.mark.parametrize("timing", [True, False])
def test_threads_that_ask_for_nothing_are_shown_as_they_go(
    engine: str, timing: bool, tmp_path: Path
):
    """Each lets the others go on from time to time, so that what is printed soon is settled."""
    source = tmp_path / "counting.s"
    source.write_text(COUNTING)
    image = load_program([source], DESCRIPTION)
    mesh = Mesh(image, DESCRIPTION, machine_of("four", tmp_path), engine=engine, timing=timing)
    mesh.arrays["machine"][mesh.procedures.constant("M_GIVE_WAY")] = 3_000
    settled = 0
    while settled < 10_000:
        assert mesh.run(limit=10**15, seconds=0).reason is EndReason.PAUSED
        settled = mesh.settled_cycle()
    lines = [line for line in mesh.lines if line.cycle < settled]
    assert {line.node for line in lines} == set(mesh.program_of)
    assert [line.text for line in lines if line.node == 0][:2] == ["1", "2"]


def test_nodes_of_a_large_die_share_bits(tmp_path: Path):
    """A die has a bit for each node up to a size; the same nodes of a larger one do the same."""
    source = tmp_path / "traffic.s"
    source.write_text(TRAFFIC.format(more=""))
    image = load_program([source], DESCRIPTION)
    seats, found = set[int](), list[object]()
    for height in (30, 40):
        path = tmp_path / f"{height}.toml"
        path.write_text(LARGE_DIE.format(height=height))
        mesh = Mesh(image, DESCRIPTION, load_machine(str(path)), grid=(64, 30))
        seats.add(max(mesh.arrays["seat"]))
        end = mesh.run()
        waited = mesh.arrays["link_waited"][: 64 * 30 * 5].tolist()
        found.append((end.cycles, end.retired, mesh.lines, waited))
    assert seats == {64 * 30 - 1, 64 * 40 // 2 - 1}
    assert found[0] == found[1]


PROCESS = """\
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import test_mesh_runs
folder = Path(sys.argv[2])
mesh = test_mesh_runs.mesh_of(folder, "four", engine=sys.argv[3], workers=int(sys.argv[4]))
print(json.dumps(test_mesh_runs.digest(mesh, mesh.run())))
"""


def test_caches_folders_and_hash_seeds_make_no_difference(tmp_path: Path):
    digests: set[str] = set()
    runs = (
        ("0", "native", "1"),
        ("0", "native", "2"),
        ("77", "native", "8"),
        ("5", "reference", "1"),
    )
    for index, (seed, engine, workers) in enumerate(runs):
        folder = tmp_path / str(index)
        folder.mkdir()
        cache = tmp_path / ("cache" if index < 2 else f"cache{index}")
        environment = {**os.environ, "PYTHONHASHSEED": seed, "XDG_CACHE_HOME": str(cache)}
        here = str(Path(__file__).parent)
        line = [sys.executable, "-c", PROCESS, here, str(folder), engine, workers]
        ended = subprocess.run(
            line, capture_output=True, text=True, check=True, env=environment, cwd=folder
        )
        digests.add(json.loads(ended.stdout))
    assert len(digests) == 1
