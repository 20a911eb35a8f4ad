"""Every sample runs, and what it prints and computes is what it promises."""

from pathlib import Path

import numpy as np
import pytest

from dojo_tools.description import load_description
from dojo_tools.engines.stop import StopReason
from dojo_tools.machine import Machine, load_program
from dojo_tools.runs import load_run_file

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
DESCRIPTION = load_description()
SMALL_LIMIT = 2_000_000


def machine(sample: str) -> Machine:
    source = SAMPLES / sample / f"{sample}.s"
    return Machine(load_program([source], DESCRIPTION), DESCRIPTION)


def finish(running: Machine) -> None:
    result = running.run(SMALL_LIMIT)
    assert result.stop.reason is StopReason.HALT, result
    assert result.stop.code == 0


def test_every_sample_is_tested():
    folders = {path.name for path in SAMPLES.iterdir() if path.is_dir()}
    assert folders == {
        "hello",
        "fibonacci",
        "saxpy",
        "dot",
        "digits",
        "pipeline",
        "transpose",
        "cfloat8-gemm",
        "conv3x3",
        "softmax",
        "layernorm",
        "sgd",
        "allreduce",
        "batchnorm",
        "fidelity",
        "gemm-summa",
        "gemm-systolic",
        "halo",
    }


FOLDERS = sorted(path for path in SAMPLES.iterdir() if path.is_dir())
RUN_FILES = sorted([*SAMPLES.glob("*/run.toml"), *SAMPLES.glob("*/full.toml")])


@pytest.mark.parametrize("path", RUN_FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_each_run_file_says_what_it_is_and_checks_what_comes_of_its_inputs(path: Path):
    assert path.read_text(encoding="utf-8").startswith("# ")
    run_file = load_run_file(path)
    checks = [output.check for output in run_file.outputs]
    assert all(checks)
    named = {
        name for check in checks if check and check.expression for name in check.expression.names
    }
    is_from_numpy = any(check and check.file for check in checks)
    assert named & {wish.title for wish in run_file.inputs} or is_from_numpy
    assert not (is_from_numpy and path.stem == "full")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_each_sample_says_what_it_shows_and_how_it_is_run(folder: Path):
    texts = [path.read_text(encoding="utf-8") for path in folder.glob("*.s")]
    assert all(text.startswith("; ") for text in texts)
    readme = folder / "README.md"
    told = "\n".join(texts) + (readme.read_text(encoding="utf-8") if readme.exists() else "")
    runnable = sorted(folder.glob("run.toml")) + sorted(folder.glob("full.toml"))
    for path in runnable:
        assert f"dojo-run samples/{folder.name}/{path.name}" in told
    assert runnable or "dojo-run " in told
    rows = (SAMPLES / "README.md").read_text(encoding="utf-8").splitlines()
    (row,) = [row for row in rows if row.startswith((f"| `{folder.name}`", f"| [`{folder.name}`]"))]
    *_, command = row.split("`")[:-1]
    assert command.startswith(f"dojo-run samples/{folder.name}/" if runnable else "dojo-run ")


@pytest.mark.parametrize(
    "sample, printed",
    [
        ("hello", "Hello from a D1 node.\n"),
        ("fibonacci", "0 1 1 2 3 5 8 13 21 34 55 89 144 233 377 610 \n"),
    ],
)
def test_printing_samples(sample: str, printed: str):
    running = machine(sample)
    finish(running)
    assert "".join(p.text for p in running.printed) == printed


def test_saxpy():
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((2, 1000)).astype(np.float32)
    running = machine("saxpy")
    for name, values in (("a", np.array([0.75])), ("x", x), ("y", y)):
        running.write_tensor(name, values)
    finish(running)
    # 0.75 * x is exact in float64, so one rounding follows, as in a fused multiply-add.
    wanted = (0.75 * x.astype(np.float64) + y).astype(np.float32)
    assert np.array_equal(running.read_tensor("y"), wanted)


def test_transpose():
    generator = np.random.default_rng(1)
    running = machine("transpose")
    names = [f"{size}_i{width}" for size in (8, 16) for width in (8, 16, 32, 64)][:-1]
    for name in names:
        shape = running.read_tensor(f"m{name}").shape
        running.write_tensor(f"m{name}", generator.integers(-128, 128, shape))
    finish(running)
    for name in names:
        assert np.array_equal(running.read_tensor(f"t{name}"), running.read_tensor(f"m{name}").T)


def test_pipeline():
    generator = np.random.default_rng(1)
    x, gate, bias = generator.standard_normal((3, 512)).astype(np.float32)
    running = machine("pipeline")
    for name, values in (("x", x), ("gate", gate), ("bias", bias)):
        running.write_tensor(name, values)
    finish(running)
    gated = np.maximum(x * gate + np.float32(0.5) * bias, 0)
    assert np.array_equal(running.read_tensor("gated"), gated)
    assert np.array_equal(running.read_tensor("total"), x + gated + np.float32(-2) * bias)


def test_dot():
    generator = np.random.default_rng(1)
    running = machine("dot")
    for name in ("x", "y"):
        running.write_tensor(name, generator.random(512))
    finish(running)
    exact = running.read_tensor("x").astype(np.float64) @ running.read_tensor("y")
    assert abs(running.read_tensor("wide")[0] / exact - 1) < 1e-6
    assert abs(running.read_tensor("narrow")[0] / exact - 1) < 0.05


def test_digits():
    folder = SAMPLES / "digits"
    pixels, weights, bias, labels = (
        np.load(folder / f"{name}.npy") for name in ("pixels", "weights", "bias", "labels")
    )
    running = machine("digits")
    for name, values in (("pixels", pixels), ("weights", weights), ("bias", bias)):
        running.write_tensor(name, values)
    finish(running)
    scores = running.read_tensor("scores")
    wanted = pixels.astype(np.float64) @ weights + bias
    assert scores.shape == (1797, 16)
    assert np.abs(scores - wanted).max() < 1e-5
    assert (scores.argmax(axis=1) == labels).mean() >= 0.93
