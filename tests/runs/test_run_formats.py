"""Runs over tensors in every number format: what goes in, comes out, saturates."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.description import Description
from dojo_tools.diagnostics import InputError
from dojo_tools.formats import decode, encode
from dojo_tools.runs import RunReport, Status, execute_run, load_run_file

Run = Callable[[str, str], RunReport]
FORMATS = [
    ("cfloat8_1_4_3", 7),
    ("cfloat8_1_4_3", 63),
    ("cfloat8_1_5_2", 15),
    ("shp", 0),
    ("shp", 15),
    ("uhp", None),
    ("bf16", None),
    ("f32", None),
]
INPUT = '[[input]]\nsymbol = "x"\nfile = "x.npy"\n'
EXACT = '[[output]]\nsymbol = "y"\nsave = "y.npy"\ncheck = { expression = "x" }\n'


def written(name: str, bias: int | None) -> str:
    return name if bias is None else f"{name}({bias})"


@pytest.fixture
def run(tmp_path: Path, description: Description) -> Run:
    """The call `run(element, text)`: copy 16 elements from `x` to `y`, as a run file asks for."""

    def make(element: str, text: str) -> RunReport:
        (tmp_path / "copy.s").write_text(
            "        .global _start\n_start: la t0, x\n        la t1, y\n        vld v0, [t0]\n"
            "        vst v0, [t1]\n        halti 0\n        .data\n"
            f"x:      .tensor {element}, 16\ny:      .tensor {element}, 16\n"
            f"one:    .tensor {element}, 1\nplain:  .space 64\n        .size plain, 64\n",
            encoding="utf-8",
        )
        path = tmp_path / "run.toml"
        path.write_text(f'[program]\nsources = ["copy.s"]\n{text}', encoding="utf-8")
        return execute_run(load_run_file(path), description)

    return make


@pytest.mark.parametrize("name, bias", FORMATS)
@pytest.mark.parametrize("suffix", ["npy", "csv"])
def test_tensors_of_every_format(
    run: Run, tmp_path: Path, name: str, bias: int | None, suffix: str
) -> None:
    values = np.random.default_rng(3).normal(size=16) * 2.0 ** (8 - (bias or 0))
    values[3] *= 1e12
    np.save(tmp_path / "x.npy", values)
    report = run(written(name, bias), INPUT + EXACT.replace("y.npy", f"y.{suffix}"))
    assert report.status is Status.DONE
    expected = decode(encode(values, name, bias), name, bias)
    found = (
        np.load(tmp_path / "y.npy")
        if suffix == "npy"
        else np.loadtxt(tmp_path / "y.csv", np.float32)
    )
    np.testing.assert_array_equal(found, expected)


def test_what_saturates_is_counted(run: Run, tmp_path: Path) -> None:
    values = np.array([1000, -1e9, np.nan, np.inf, *range(12)], np.float32)
    np.save(tmp_path / "x.npy", values)
    check = EXACT.replace('expression = "x"', 'file = "x.npy"')
    report = run("cfloat8_1_4_3(7)", INPUT + check)
    (given,), (output,) = report.inputs, report.outputs
    assert given.saturated == 4
    assert output.comparison is not None
    assert (output.at_limit, output.comparison.saturated) == (4, 4)
    # A NaN is expected to be one, and what saturates to be what it becomes.
    assert (output.comparison.matched, output.comparison.total) == (15, 16)
    assert "4 values are at the limit of cfloat8_1_4_3(7)" in output.lines()
    assert "4 expected values saturate" in output.lines()
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["inputs"][0]["saturated"] == 4
    assert found["inputs"][0]["element"] == "cfloat8_1_4_3(7)"
    assert (found["outputs"][0]["at_limit"], found["outputs"][0]["check"]["saturated"]) == (4, 4)


def test_nothing_is_said_where_nothing_saturates(run: Run) -> None:
    wish = 'generate = { kind = "integers", seed = 1, low = -8, high = 8 }'
    report = run("cfloat8_1_4_3(7)", INPUT.replace('file = "x.npy"', wish) + EXACT)
    assert report.status is Status.DONE
    assert (report.inputs[0].saturated, report.outputs[0].at_limit) == (0, 0)
    assert not [line for line in report.outputs[0].lines() if "satur" in line or "limit" in line]


@pytest.mark.parametrize("kind", ["normal", "uniform", "zeros"])
@pytest.mark.parametrize("name, bias", FORMATS[::2])
def test_generated_numbers(run: Run, name: str, bias: int | None, kind: str) -> None:
    text = INPUT.replace('file = "x.npy"', f'generate = {{ kind = "{kind}" }}')
    assert run(written(name, bias), text + EXACT).status is Status.DONE


def test_ulps_are_numbers_of_the_format(run: Run, tmp_path: Path) -> None:
    codes = np.arange(0x38, 0x48, dtype=np.uint8)
    np.save(tmp_path / "x.npy", decode(codes, "cfloat8_1_4_3", 7))
    np.save(tmp_path / "near.npy", decode(codes + 2, "cfloat8_1_4_3", 7).astype(np.float64))
    wish = EXACT.replace('expression = "x"', 'file = "near.npy"')
    assert run("cfloat8_1_4_3(7)", f"{INPUT}{wish}ulp = 2\n").status is Status.DONE
    assert run("cfloat8_1_4_3(7)", f"{INPUT}{wish}ulp = 1\n").status is Status.CHECK_FAILED


def test_integers_must_be_numbers_of_the_format(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(16))
    assert run("cfloat8_1_4_3(7)", INPUT).inputs[0].saturated == 0
    np.save(tmp_path / "x.npy", np.arange(16) + 2)
    with pytest.raises(InputError, match=r"is 17, which cfloat8_1_4_3\(7\) does not hold exactly"):
        run("cfloat8_1_4_3(7)", INPUT)
    np.save(tmp_path / "x.npy", np.full(16, -1))
    with pytest.raises(InputError, match="is -1, which uhp does not hold exactly"):
        run("uhp", INPUT)


def test_a_symbol_without_a_type_gets_one(run: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(16))
    text = INPUT.replace('"x"', '"plain"') + 'element = "shp(015)"\nshape = [16]\n'
    assert run("f32", text).inputs[0].element == "shp(15)"
    with pytest.raises(InputError, match="`shp` needs a bias"):
        run("f32", text.replace("shp(015)", "shp"))
    with pytest.raises(InputError, match=r"called shp\(15\) .* the symbol is shp\(14\)"):
        run("shp(14)", INPUT + 'element = "shp(15)"\nshape = [16]\n')


def test_an_argument_that_saturates_is_warned_of(run: Run) -> None:
    report = run("cfloat8_1_5_2(31)", "[arguments]\none = 1000.0\n")
    (warning,) = report.warnings
    assert warning.name == "saturation"
    assert "argument `one` has a number beyond cfloat8_1_5_2(31)" in warning.message
    assert not run("cfloat8_1_5_2(31)", "[arguments]\none = 0.5\n").warnings
