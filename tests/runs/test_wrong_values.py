"""Any value in any place of a run or machine file is taken or refused with a place, never more."""

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from dojo_tools.description import Description, load_machine
from dojo_tools.diagnostics import InputError
from dojo_tools.runs import execute_run, load_run_file
from dojo_tools.toml_places import Path as Way
from dojo_tools.toml_places import find_places

MACHINES = Path(__file__).parents[2] / "isa" / "machines"
ODD = (
    *("-1", "1.5", "true", "[]", '"x"', "1979-05-27", "99999999999999999999", '[1, "a"]'),
    '{ expression = "x[" }',
)

NODE = """
[program]
sources = ["kernel.s"]
isa = []
defines = { N = 3 }
[machine]
name = "node"
[grid]
size = [1, 1]
at = [0, 0]
[limits]
instructions = 1000
cycles = 1000
[run]
engine = "reference"
timing = "on"
workers = 1
[arguments]
a0 = 0
counts = [1, 2, 3, 4]
[show]
v3 = "f32"
[[input]]
symbol = "x"
name = "left"
file = "x.npy"
element = "f32"
shape = [2, 4]
node = [0, 0]
[[input]]
symbol = "half"
generate = { kind = "normal", seed = 1, mean = 0, deviation = 1 }
blocks = [1, 1]
[[output]]
symbol = "y"
save = "y.npy"
absolute = 1
relative = 1
ulp = 1
accuracy = { labels = "labels.npy", at_least = 0 }
[output.check]
expression = "left + 1"
repeat = 1
"""

SEVERAL = """
[program]
sources = ["kernel.s"]
[machine]
file = "own.toml"
[grid]
size = [2, 1]
at = [0, 0]
[arguments]
n = { expression = "x + y" }
[[input]]
symbol = "x"
blocks = [1, 2]
generate = { kind = "zeros" }
[[input]]
dip = 0
offset = 64
element = "f32"
shape = [4]
generate = { kind = "arange", low = 1 }
[[output]]
symbol = "y"
node = [1, 0]
check = { expression = "x[:, 4:] + 1" }
"""


def ways(values: Any, way: Way = ()) -> Iterator[Way]:
    """Yield the way to each value inside others."""
    items: Any = ()
    if isinstance(values, dict):
        items = cast("dict[str, Any]", values).items()
    elif isinstance(values, list):
        items = enumerate(cast("list[Any]", values))
    for key, value in items:
        yield (*way, key)
        yield from ways(value, (*way, key))


def changed(text: str, odd_values: Sequence[str] = ODD) -> Iterator[str]:
    """Yield a document with each of its values replaced by each odd one."""
    places = find_places(text)
    for way in ways(tomllib.loads(text)):
        start, end = places[way].value
        if text[start - 1 : start] != "[" and not text[start:end].startswith("[["):
            for odd in odd_values:
                yield f"{text[:start]}{odd}{text[end:]}"


def is_placed(error: InputError) -> bool:
    """Return whether each mistake of an error has a place in a file."""
    return bool(error.diagnostics) and all(found.span for found in error.diagnostics)


@pytest.fixture
def tensors(folder: Path) -> Path:
    np.save("x.npy", np.zeros((2, 4), np.float32))
    np.save("labels.npy", np.zeros(2, np.int64))
    Path("own.toml").write_text('base = "small"\n[dips]\nwest = [0]\n', encoding="utf-8")
    return folder


def check_run_files(
    text: str, description: Description, odd_values: Sequence[str], accepted_min: int
) -> None:
    path = Path("run.toml")
    path.write_text(text, encoding="utf-8")
    execute_run(load_run_file(path), description)
    accepted = refused = 0
    unplaced: list[str] = []
    for wrong in changed(text, odd_values):
        path.write_text(wrong, encoding="utf-8")
        try:
            execute_run(load_run_file(path, keep_mistakes=True), description)
        except InputError as error:
            unplaced += [] if is_placed(error) else [wrong]
            refused += 1
        else:
            accepted += 1
    assert not unplaced
    assert accepted >= accepted_min
    assert refused > 5 * accepted


@pytest.mark.usefixtures("tensors")
def test_any_value_in_a_run_file_of_one_node(description: Description) -> None:
    check_run_files(NODE, description, ODD, 10)


@pytest.mark.usefixtures("tensors")
def test_any_value_in_a_run_file_of_many_nodes(description: Description) -> None:
    check_run_files(SEVERAL, description, ODD[::2], 2)


@pytest.mark.parametrize("name", ["node", "tile"])
def test_any_value_in_a_machine_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "own.toml"
    text = (MACHINES / f"{name}.toml").read_text(encoding="utf-8")
    accepted = refused = 0
    unplaced: list[str] = []
    for wrong in changed(text, (*ODD, "1", '"chosen: x"')):
        path.write_text(wrong, encoding="utf-8")
        try:
            load_machine(str(path))
        except InputError as error:
            unplaced += [] if is_placed(error) else [wrong]
            refused += 1
        else:
            accepted += 1
    assert not unplaced
    assert accepted > 5
    assert refused > accepted
