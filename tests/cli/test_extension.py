"""A user's own instruction: one text file, and every tool knows it."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dojo_tools.cli.assemble import assemble
from dojo_tools.cli.common import application
from dojo_tools.cli.inspect import command as inspector
from dojo_tools.cli.run import run

ADDITION = """\
title "My additions"
provenance chosen "an exercise"

instruction vabd.{T} vd, va, vb [, pm]
    "Absolute difference of each lane."
    for T in i32, f32
    encoding V op=user0 func4=0 type={T}
    timing simd latency=4
    example va.{T} = 2, vb.{T} = 5 -> vd.{T} = 3
    { vd.{T} = abs(va.{T} - vb.{T}) under pm }
"""

KERNEL = """\
    .global _start
_start:
    vli.f32 v1, 2.5
    vli.f32 v2, 4.0
    vabd.f32 v3, v1, v2
    vextract.f32 t0, v3, 15
    print.f32 t0
    halti 0
"""


@pytest.fixture
def addition(tmp_path: Path) -> Path:
    path = tmp_path / "vabd.isa"
    path.write_text(ADDITION)
    return path


@pytest.fixture
def kernel(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.s"
    path.write_text(KERNEL)
    return path


def test_it_assembles_and_disassembles(addition: Path, kernel: Path):
    target = kernel.with_suffix(".o")
    done = CliRunner().invoke(
        application(assemble), ["--isa", str(addition), str(kernel), "-o", str(target)]
    )
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(inspector(), ["--isa", str(addition), "-d", str(target)])
    assert "vabd.f32 v3, v1, v2" in shown.output
    without = CliRunner().invoke(inspector(), ["-d", str(target)])
    assert "vabd" not in without.output


def test_it_explains_itself(addition: Path):
    done = CliRunner().invoke(inspector(), ["--isa", str(addition), "--explain", "vabd.f32"])
    assert done.exit_code == 0
    for words in ("Absolute difference", "an exercise", "va.f32 = 2, vb.f32 = 5 -> vd.f32 = 3"):
        assert words in done.output


def test_it_runs(addition: Path, kernel: Path):
    done = CliRunner().invoke(application(run), ["--isa", str(addition), str(kernel)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("1.5")


def test_its_examples_run_and_a_wrong_one_fails(addition: Path):
    done = CliRunner().invoke(application(run), ["--isa", str(addition), "--examples"])
    assert done.exit_code == 0, done.output
    addition.write_text(ADDITION.replace("-> vd.{T} = 3", "-> vd.{T} = 4"))
    done = CliRunner().invoke(application(run), ["--isa", str(addition), "--examples"])
    assert done.exit_code == 1
    assert "vabd.f32" in done.output


def test_without_the_file_the_name_is_unknown(kernel: Path):
    done = CliRunner().invoke(application(assemble), [str(kernel), "-o", str(kernel) + ".o"])
    assert done.exit_code == 3
    assert "vabd.f32" in done.stderr
