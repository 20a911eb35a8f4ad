"""Kernels of samples: both sizes hold, engines agree, and numpy checks them anew."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from dojo_tools.description import load_description
from dojo_tools.formats import Flag, encode, summary
from dojo_tools.machine import Machine
from dojo_tools.runs import RunReport, Status, execute_run, load_run_file

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DESCRIPTION = load_description()
KERNELS = ("cfloat8-gemm", "conv3x3", "softmax", "layernorm", "sgd")
SMALL_LIMIT = 2_000_000
Float64Array = NDArray[np.float64]


@cache
def run(sample: str, engine: str, size: str = "run") -> RunReport:
    """Make a run without its saves: what it leaves in memory is looked at there."""
    run_file = load_run_file(SAMPLES / sample / f"{size}.toml")
    outputs = tuple(replace(output, save=None) for output in run_file.outputs)
    return execute_run(replace(run_file, outputs=outputs), DESCRIPTION, engine=engine)


def tensors(machine: Machine, *names: str) -> Iterator[Float64Array]:
    for name in names:
        yield machine.read_tensor(name).astype(np.float64)


@pytest.mark.parametrize("sample", KERNELS)
def test_the_small_size_holds_on_both_engines(sample: str):
    reference, native = run(sample, "reference"), run(sample, "native")
    assert reference.status is Status.DONE
    assert reference.retired <= SMALL_LIMIT
    assert (native.retired, native.cycles) == (reference.retired, reference.cycles)
    assert native.printed == reference.printed
    start = reference.machine.definition.reserved_bytes
    size = reference.machine.definition.sram_bytes - start
    memories = (report.machine.read_memory(start, size) for report in (reference, native))
    assert next(memories) == next(memories)


@pytest.mark.parametrize("sample", KERNELS)
def test_the_full_size_holds(sample: str):
    assert run(sample, "native", "full").status is Status.DONE


@pytest.mark.parametrize("sample", KERNELS)
def test_the_readme_has_the_instructions_and_cycles_of_both_sizes(sample: str):
    text = (SAMPLES / sample / "README.md").read_text(encoding="utf-8")
    for size, name in (("run", "small"), ("full", "full")):
        report = run(sample, "native", size)
        assert f"| {name} | {report.retired:,} | {report.cycles:,} |" in text


@pytest.mark.parametrize("size", ["run", "full"])
def test_products_are_rounded_as_numpy_rounds_them(size: str):
    machine = run("cfloat8-gemm", "native", size).machine
    activations, weights, offsets, result = tensors(
        machine, "activations", "weights", "offsets", "result"
    )
    exact = np.maximum(activations @ weights + offsets, 0)
    wanted, flags = encode(exact, "cfloat8_1_4_3", 11, return_flags=True)
    codes = encode(result, "cfloat8_1_4_3", 11)
    assert np.abs(codes.astype(np.int64) - wanted).max() <= 1  # sums are rounded to float32
    assert (codes == wanted).mean() > 0.999
    assert (codes == 0).any()
    # Denormal operands come up too: the products raise it.
    assert machine.read_tensor("raised")[0] == summary(flags) | Flag.DENORMAL
    assert Flag.OVERFLOW in summary(flags)


@pytest.mark.parametrize("size", ["run", "full"])
def test_a_convolution_sees_zeros_around_the_image(size: str):
    machine = run("conv3x3", "native", size).machine
    image, weights, offsets, result = tensors(machine, "image", "weights", "offsets", "result")
    height, _, width = image.shape
    padded = np.pad(image, ((1, 1), (0, 0), (1, 1)))
    sums = np.zeros(result.shape) + offsets[:, None]
    for down, half, right in np.ndindex(3, 2, 3):
        part = padded[down : down + height, 4 * half : 4 * half + 4, right : right + width]
        sums += weights[down, half, right] @ part
    assert np.array_equal(result, np.maximum(sums, 0))


@pytest.mark.parametrize("size", ["run", "full"])
def test_a_softmax_sums_to_one(size: str):
    machine = run("softmax", "native", size).machine
    result, edges = tensors(machine, "result", "edge_result")
    columns = result.shape[1]
    assert np.abs(result.sum(axis=1) - 1).max() < 1e-6
    assert (edges[:2] == 1 / columns).all()
    assert (edges[2, 0::2] == 2 / columns).all()
    assert (edges[2, 1::2] == 0).all()
    assert edges[3, 0] == 1
    assert (edges[3, 1:] == 0).all()
    assert (edges[4, 0::2] == 0).all()
    assert (edges[4, 1::2] == 2 / columns).all()


@pytest.mark.parametrize("size", ["run", "full"])
def test_a_layer_norm_of_equal_numbers_is_beta(size: str):
    machine = run("layernorm", "native", size).machine
    gamma, beta, edges = tensors(machine, "gamma", "beta", "edge_result")
    codes = encode(edges[:2], "bf16")
    assert np.array_equal(codes[0], encode(beta, "bf16"))
    sides = np.where(np.arange(beta.size) % 2, 1.0, -1.0)
    apart = codes[1].astype(np.int64) - encode(sides * gamma + beta, "bf16")
    assert (np.abs(apart) <= 1).mean() > 0.98  # near 0, where the sum cancels, it may be more


@pytest.mark.parametrize("size", ["run", "full"])
def test_stochastic_rounding_learns_where_nearest_stalls(size: str):
    report = run("sgd", "native", size)
    nearest, stochastic = tensors(report.machine, "nearest", "stochastic")
    late = -len(nearest) // 4
    assert nearest[-1] > 0.95 * nearest[late]
    assert stochastic[-1] < 0.7 * stochastic[late] or stochastic[-1] < 0.01
    assert stochastic[-1] < 0.1 * nearest[-1]
    lines = [line.split() for line in report.printed.splitlines()]
    shown = np.array(lines, np.float32)
    assert np.array_equal(shown[:, 0], 1 + np.arange(len(nearest)))
    assert np.array_equal(shown[:, 1:].T, np.stack([nearest, stochastic]))
