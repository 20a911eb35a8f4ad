"""Tensors of many nodes: one node, all, blocks in both directions, DIP memory; wrong wishes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dojo_tools.description import load_machine
from dojo_tools.diagnostics import InputError
from dojo_tools.machine.mesh import Mesh
from dojo_tools.machine.mesh_tensors import (
    Blocks,
    gather,
    read_dip,
    read_tensor,
    scatter,
    write_dip,
    write_tensor,
)
from mesh_programs import ENGINES, mesh_of

TEXT = """\
        .global _start
_start: halti 0
        .data
        .balign 64
block:  .tensor f32, 2, 4
vector: .tensor i32, 4
one:    .dword 0
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "name, blocks, shape, where",
    [
        ("block", (2, 3), (4, 12), (slice(2, 4), slice(4, 8))),
        ("block", (2, 1), (4, 4), (slice(2, 4), slice(0, 4))),
        ("block", (1, 3), (2, 12), (slice(0, 2), slice(4, 8))),
        ("block", "live", (12, 4), (slice(8, 10), slice(0, 4))),
        ("vector", (2, 3), (24,), slice(16, 20)),
        ("vector", (1, 3), (12,), slice(4, 8)),
    ],
)
def test_blocks_go_to_nodes_and_come_back(
    engine: str, name: str, blocks: Blocks, shape: tuple[int, ...], where: Any
) -> None:
    mesh = mesh_of(TEXT, engine, grid=(3, 2), at=(1, 1))
    values = np.arange(np.prod(shape)).reshape(shape)
    scatter(mesh, name, values, blocks)
    expected = values[where]
    assert read_tensor(mesh, name, (1, 1)).tolist() == expected.tolist()
    assert gather(mesh, name, blocks).tolist() == values.tolist()


def test_dead_nodes_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "hole.toml"
    path.write_text('base = "small"\n[grid]\nwidth = 3\nheight = 3\ndead = [[1, 1]]\n')
    mesh = mesh_of(TEXT, grid=None, machine=load_machine(str(path)))
    values = np.arange(8 * 4)
    scatter(mesh, "vector", values, "live")
    assert read_tensor(mesh, "vector", (2, 1)).tolist() == [16, 17, 18, 19]
    assert gather(mesh, "vector", "live").tolist() == values.tolist()
    with pytest.raises(InputError, match='`blocks = "live"`'):
        scatter(mesh, "vector", np.arange(36), (3, 3))


def test_one_node_and_all_of_them() -> None:
    mesh = mesh_of(TEXT)
    write_tensor(mesh, "vector", np.array([1, 2, 3, 4]))
    write_tensor(mesh, "vector", np.array([5, 6, 7, 8]), (1, 0))
    assert read_tensor(mesh, "vector", (0, 1)).tolist() == [1, 2, 3, 4]
    assert read_tensor(mesh, "vector", (1, 0)).tolist() == [5, 6, 7, 8]
    assert read_tensor(mesh, "one", (1, 0), "u64", (1,)).tolist() == [0]


@pytest.mark.parametrize("engine", ENGINES)
def test_dip_memory(engine: str) -> None:
    mesh = mesh_of(TEXT, engine, grid=(1, 1), machine=load_machine("d1"))
    write_dip(mesh, 1, 1 << 34, np.arange(6).reshape(2, 3), "i16")
    assert read_dip(mesh, 1, 1 << 34, "i16", (2, 3)).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(InputError, match=r"no DIP card 2: machine `d1` has cards 0\.\.1"):
        read_dip(mesh, 2, 0, "i16", (1,))
    with pytest.raises(InputError, match="is not within DIP memory"):
        read_dip(mesh, 0, mesh.machine.dip.size, "i16", (1,))


WRONG: list[tuple[Callable[[Mesh], object], str]] = [
    (lambda mesh: read_tensor(mesh, "vector", (2, 0)), "the partition is 2 x 2"),
    (lambda mesh: read_tensor(mesh, "vectr", (0, 0)), "vectr"),
    (lambda mesh: read_tensor(mesh, "one", (0, 0)), "has no type"),
    (lambda mesh: gather(mesh, "vector", (3, 1)), "3 rows; 1 or 2 fits"),
    (lambda mesh: scatter(mesh, "vector", np.arange(9), (2, 2)), r"blocks of \(4,\) make"),
    (lambda mesh: write_tensor(mesh, "vector", np.arange(5)), "has shape"),
    (lambda mesh: gather(mesh, "one", "live", "u64", ()), "single number"),
    (lambda mesh: read_tensor(mesh, "vector", (0, 0), "f32", (1 << 20,)), "within SRAM"),
]


@pytest.mark.parametrize("wish, message", WRONG)
def test_wrong_wishes_are_named(wish: Callable[[Mesh], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        wish(mesh_of(TEXT))
