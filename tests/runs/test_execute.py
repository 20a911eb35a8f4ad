"""Runs from start to end: tensors in, tensors out, checks, and what the report says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dojo_tools.runs.execute as execute_module
from dojo_tools.description import Description
from dojo_tools.diagnostics import ExitCode, InputError
from dojo_tools.engines.stop import StopReason
from dojo_tools.machine import Machine
from dojo_tools.runs import (
    Argument,
    Dump,
    Input,
    Listener,
    Output,
    RunFile,
    RunReport,
    Status,
    execute_run,
    load_run_file,
)

Execute = Callable[[str], RunReport]

NORMAL = '[[input]]\nsymbol = "x"\ngenerate = { kind = "normal", seed = 4 }\n'


def test_a_run_that_holds(execute: Execute) -> None:
    np.save("x.npy", np.arange(8).reshape(2, 4))
    Path("labels.csv").write_text("3\n3\n", encoding="utf-8")
    report = execute(
        '[[input]]\nsymbol = "x"\nfile = "x.npy"\n'
        '[[output]]\nsymbol = "y"\nsave = "y.csv"\ncheck = { expression = "x + 1" }\n'
        'accuracy = { labels = "labels.csv", at_least = 1 }\n'
    )
    assert report.status is Status.DONE
    assert report.exit_code is ExitCode.DONE
    assert report.outputs[0].lines()[-2:] == ["accuracy 1.0000 (2 of 2)", "2 of 2 rows match"]
    wanted = "1.0,2.0,3.0,4.0\n5.0,6.0,7.0,8.0\n"
    assert Path("y.csv").read_text(encoding="utf-8") == wanted
    assert report.machine.read_tensor("y")[1, 3] == 8


def test_an_argument_of_the_command_line_wins_over_an_input(
    folder: Path, description: Description
) -> None:
    source = ".text\n.global _start\n_start: halti 0\n.bss\nx: .tensor f32, 1\n"
    (folder / "kernel.s").write_text(source, encoding="utf-8")
    Path("run.toml").write_text(
        'program = { sources = ["kernel.s"] }\n'
        '[[input]]\nsymbol = "x"\ngenerate = { kind = "normal" }\n'
        '[[output]]\nsymbol = "x"\ncheck = { expression = "x * 0 + 7" }\n',
        encoding="utf-8",
    )
    run_file = load_run_file(Path("run.toml"))
    report = execute_run(replace(run_file, arguments=(Argument("x", 7),)), description)
    assert report.exit_code is ExitCode.DONE
    assert [(found.origin, found.seed) for found in report.inputs] == [("argument", None)]
    report = execute_run(run_file, description)
    assert report.exit_code is ExitCode.CHECK_FAILED
    assert [(found.origin, found.seed) for found in report.inputs] == [("normal", 0)]


def test_defines_set_a_size(execute: Execute, folder: Path) -> None:
    source = ".ifndef N\nN = 2\n.endif\n.text\n.global _start\n_start: halti 0\n.bss\n"
    (folder / "kernel.s").write_text(source + "x: .tensor f32, N\n", encoding="utf-8")
    assert execute("").machine.read_tensor("x").shape == (2,)
    assert execute("defines = { N = 5 }").machine.read_tensor("x").shape == (5,)


def test_a_check_that_fails(execute: Execute) -> None:
    report = execute(f'{NORMAL}[[output]]\nsymbol = "y"\ncheck = {{ expression = "x + 2" }}\n')
    assert report.exit_code is ExitCode.CHECK_FAILED
    lines = report.outputs[0].lines()
    assert lines[1].startswith("largest error 1 at [")
    assert lines[2].startswith("  [0, 0] found ")
    assert lines[-2:] == ["  and 3 more elements", "0 of 2 rows match"]


def test_an_accuracy_that_is_too_low(execute: Execute) -> None:
    np.save("labels.npy", np.array([0, 0]))
    report = execute(
        '[[input]]\nsymbol = "x"\ngenerate = { kind = "arange" }\n'
        '[[output]]\nsymbol = "y"\naccuracy = { labels = "labels.npy", at_least = 0.5 }\n'
    )
    assert report.status is Status.CHECK_FAILED
    assert report.outputs[0].lines()[-1] == "accuracy 0.0000 (0 of 2), less than 0.5"


def test_a_check_against_a_file(execute: Execute) -> None:
    np.save("y.npy", np.arange(8.0).reshape(2, 4) + 1.25)
    text = (
        '[[input]]\nsymbol = "x"\ngenerate = { kind = "arange" }\n'
        '[[output]]\nsymbol = "y"\ncheck = { file = "y.npy" }\n'
    )
    assert execute(text).status is Status.CHECK_FAILED
    assert execute(text + "absolute = 0.25").status is Status.DONE


def test_a_number_is_expected_of_every_element(execute: Execute) -> None:
    text = '[[output]]\nsymbol = "y"\ncheck = { expression = "1" }\n'
    assert execute(text).status is Status.DONE


def test_an_input_means_what_was_put_in(execute: Execute) -> None:
    """Also in the check of the same symbol; and rounded as the machine holds it."""
    report = execute(
        '[[input]]\nsymbol = "y"\ngenerate = { kind = "integers", low = 7, high = 7 }\n'
        '[[output]]\nsymbol = "y"\ncheck = { expression = "y - 6" }\n'
        '[[output]]\nsymbol = "x"\ncheck = { expression = "y - 7" }\n'
    )
    assert report.status is Status.DONE


def test_a_halt_code_fails_the_run(execute: Execute) -> None:
    report = execute("[arguments]\na0 = 7\n")
    assert report.status is Status.HALT_CODE
    assert report.exit_code is ExitCode.CHECK_FAILED
    assert report.stop is not None
    assert report.stop.code == 7


def test_a_run_over_its_budget_of_cycles_fails(execute: Execute) -> None:
    within = execute("")
    assert within.status is Status.DONE
    exact = execute(f"[limits]\ncycles = {within.cycles}\n")
    assert (exact.status, exact.cycles_max) == (Status.DONE, within.cycles)
    over = execute(f"[limits]\ncycles = {within.cycles - 1}\n")
    assert (over.status, over.exit_code) == (Status.OVER_BUDGET, ExitCode.CHECK_FAILED)
    assert over.cycles == within.cycles


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
@pytest.mark.parametrize("instructions_max", [10_000, 10**17])
def test_an_endless_run_is_stopped_past_its_budget(
    tmp_path: Path, description: Description, engine: str, instructions_max: int
) -> None:
    source = tmp_path / "p.s"
    source.write_text("_start: .global _start\n1: jump 1b\n")
    endless = RunFile("p", (source,), instructions_max=instructions_max, cycles_max=1000)
    report = execute_run(endless, description, engine=engine)
    assert (report.status, report.exit_code) == (Status.OVER_BUDGET, ExitCode.CHECK_FAILED)
    assert report.message is not None
    assert "`limits.cycles` is 1000" in report.message


SLOW_TURNS = """
        .global _start
_start: li      t0, 1
1:      mul     t1, t0, t0
        div     t2, t1, t0
        add     t0, t0, t2
        jump    1b
"""


@pytest.mark.parametrize("timing", [True, False])
@pytest.mark.parametrize("budget", [0, 1, 999, 1000, 1001, 200_000])
def test_a_budget_stops_every_engine_in_the_same_cycle(
    tmp_path: Path, description: Description, budget: int, timing: bool
) -> None:
    source = tmp_path / "p.s"
    source.write_text(SLOW_TURNS)
    endless = RunFile("p", (source,), cycles_max=budget)
    found: set[tuple[object, ...]] = set()
    for engine in ("reference", "native", "both"):
        report = execute_run(endless, description, engine=engine, timing=timing)
        assert report.status is Status.OVER_BUDGET
        found.add((report.pc, report.retired, report.cycles, report.machine.read_register("t0")))
    assert len(found) == 1


def test_a_traced_run_is_stopped_at_its_budget(tmp_path: Path, description: Description) -> None:
    source = tmp_path / "p.s"
    source.write_text("_start: .global _start\n1: jump 1b\n")
    cycles: list[int] = []
    listener = Listener(traced=lambda entry: cycles.append(entry.cycle))
    endless = RunFile("p", (source,), instructions_max=10**17, cycles_max=100)
    report = execute_run(endless, description, listener)
    assert report.status is Status.OVER_BUDGET
    assert report.cycles > 100
    assert len([cycle for cycle in cycles if cycle >= 100]) == 1


def test_a_limit_names_the_line(execute: Execute) -> None:
    report = execute("[limits]\ninstructions = 3\n")
    assert report.exit_code is ExitCode.LIMIT
    assert report.retired == 3
    assert report.message is not None
    assert "kernel.s:5:9: limit: 3 instructions" in report.message
    assert "    " + "        vli.f32 v1, 1.0" in report.message


def test_arguments_for_symbols(execute: Execute) -> None:
    report = execute(
        "[arguments]\nx = [[1, 2, 3, 4], [5, 6, 7, 0.5]]\nn = -2\ncounts = [1, 2, 3, -4]\n"
    )
    machine = report.machine
    assert machine.read_tensor("y")[1].tolist() == [6, 7, 8, 1.5]
    assert machine.read_memory(machine.symbol("n").value, 8) == b"\xfe" + b"\xff" * 7
    assert machine.read_tensor("counts").tolist() == [1, 2, 3, -4]


def test_a_symbol_without_a_type_takes_one_from_the_run_file(execute: Execute) -> None:
    report = execute(
        '[[input]]\nsymbol = "plain"\nelement = "i16"\nshape = [8]\n'
        'generate = { kind = "arange", low = -4 }\n'
        '[[output]]\nsymbol = "plain"\nelement = "i16"\nshape = [8]\n'
        'check = { expression = "plain" }\n'
    )
    assert report.status is Status.DONE
    assert report.inputs[0].size == 16


@pytest.mark.parametrize(
    "text, message",
    [
        ('[[input]]\nsymbol = "q"\ngenerate = { kind = "zeros" }', "has no symbol `q`"),
        ('[[input]]\nsymbol = "SIZE"\ngenerate = { kind = "zeros" }', "is a number, not a place"),
        ('[[input]]\nsymbol = "plain"\ngenerate = { kind = "zeros" }', "has no type"),
        (
            '[[input]]\nsymbol = "plain"\nelement = "f32"\nshape = [5]\n'
            'generate = { kind = "zeros" }',
            r"f32 \(5,\) has 20 bytes; symbol `plain` has 16",
        ),
        (
            '[[input]]\nsymbol = "x"\nelement = "bf16"\ngenerate = { kind = "zeros" }',
            r"`x` is called bf16 \(2, 4\) here; the symbol is f32 \(2, 4\)",
        ),
        (
            '[[input]]\nsymbol = "x"\nfile = "pixels.npy"',
            r"run.toml:5:8: error: pixels.npy holds uint8 \(4, 4\); symbol `x` is f32 \(2, 4\)",
        ),
        (
            '[[input]]\nsymbol = "counts"\ngenerate = { kind = "normal" }',
            "normal holds float64, which does not become i32",
        ),
        (
            '[[input]]\nsymbol = "half"\ngenerate = { kind = "integers", low = 257, high = 257 }',
            r"integers\[0\] is 257, which bf16 does not hold exactly",
        ),
        ("[arguments]\nx = [1, 2]", r"argument `x` has shape \(2,\); the symbol is f32 \(2, 4\)"),
        ("[arguments]\ncounts = [1, 2, 3, 0.5]", "does not become i32"),
        ("[arguments]\nx = [[1], [2, 3]]", "differ in length"),
        ("[arguments]\na0 = 1.5", "`a0` is 1.5; an integer fits"),
        ("[arguments]\na0 = 18446744073709551616", "18446744073709551615 fits"),
        ("[arguments]\nn = 0.5", "an integer fits"),
        ("[arguments]\nSIZE = 1", "can't hold an argument"),
        ("[arguments]\nv0 = 1", "register `v0` has 512 bits"),
        ("[arguments]\nzero = 1", "is always zero"),
        (
            '[[output]]\nsymbol = "y"\ncheck = { expression = "x @ x" }',
            r"run.toml:5:25: error: shapes \(2, 4\) and \(2, 4\) have no matrix product",
        ),
        (
            '[[output]]\nsymbol = "y"\ncheck = { expression = "x.T" }',
            r"the expression has shape \(4, 2\); output `y` is f32 \(2, 4\)",
        ),
        ('[[output]]\nsymbol = "y"\ncheck = { expression = "xx" }', "no tensor `xx`"),
        (
            '[[output]]\nsymbol = "y"\naccuracy = { labels = "pixels.npy" }',
            r"pixels.npy holds uint8 \(4, 4\); an output of shape \(2, 4\) needs labels of shape",
        ),
        (
            '[[output]]\nsymbol = "y"\naccuracy = { labels = "labels.npy" }',
            r"labels.npy\[1\] is 9, not one of the 4 classes 0..3",
        ),
        ('[[output]]\nsymbol = "counts"\ncheck = { file = "halves.npy" }', "does not become i32"),
    ],
)
def test_what_does_not_fit_is_said_before_the_run(
    execute: Execute, text: str, message: str
) -> None:
    np.save("pixels.npy", np.zeros((4, 4), np.uint8))
    np.save("labels.npy", np.array([0, 9]))
    np.save("halves.npy", np.zeros(4))
    with pytest.raises(InputError, match=message):
        execute(text)


def test_all_misfits_are_reported_at_once(execute: Execute) -> None:
    with pytest.raises(InputError) as caught:
        execute('[arguments]\nq = 1\nr = 2\n[[output]]\nsymbol = "s"\nsave = "s.npy"\n')
    assert len(caught.value.diagnostics) == 3


def test_what_needs_the_program_is_said_with_all_else(
    folder: Path, description: Description
) -> None:
    Path("run.toml").write_text(
        """
program = { sources = ["kernel.s"] }
limits = { instructions = 0 }
arguments = { q = 1, a0 = "x" }
[[input]]
symbol = "x"
generate = { kind = "norml" }
[[input]]
symbol = "n"
generate = { kind = "normal" }
[[output]]
symbol = "y"
check = { expression = "x + 1 + n" }
[[output]]
symbol = "counts"
check = { expression = "plain * y @ y" }
[[output]]
symbol = "half"
name = "spare"
check = { expression = "x" }
""",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
    shown = [
        (found.span.line, found.span.text, found.message)
        for found in caught.value.diagnostics
        if found.span is not None
    ]
    assert shown == [
        (3, "0", f"`instructions` is 0; 1..{1 << 62} fits"),
        (4, "q", "kernel.s has no symbol `q`"),
        (4, '"x"', '`a0` is a string ("x"), not a number or an array of numbers'),
        (7, '"norml"', "unknown kind `norml`"),
        (9, '"n"', "symbol `n` has no type"),
        (16, "plain", "there is no tensor `plain`"),
    ]


@pytest.mark.parametrize(
    "settings, messages",
    [
        ('kind = "integers"', ["`integers` needs `low`", "`integers` needs `high`"]),
        ('kind = "integers", low = 5, high = 1', ["`low` is 5, more than `high`, 1"]),
        (
            'kind = "integers", low = 0.5, high = 1.5',
            [
                "`low` is a number (0.5), not an integer",
                "`high` is a number (1.5), not an integer",
            ],
        ),
        (
            'kind = "integers", low = 0, high = 99999999999999999999',
            [f"`high` is 99999999999999999999; {-1 << 62}..{1 << 62} fits"],
        ),
        (
            'kind = "integers", low = 9223372036854775807, high = 9223372036854775807',
            [
                f"`{key}` is 9223372036854775807; {-1 << 62}..{1 << 62} fits"
                for key in ("low", "high")
            ],
        ),
        ('kind = "arange", low = 0.5', ["`low` is a number (0.5), not an integer"]),
        (
            'kind = "uniform", low = -1e308, high = 1e308',
            ["`high` is 1e+308, too far from `low`, -1e+308, for float64"],
        ),
        ('kind = "uniform", low = 1, high = 0', ["`low` is 1, more than `high`, 0"]),
        ('kind = "uniform", seed = -1', [f"`seed` is -1; 0..{(1 << 64) - 1} fits"]),
        ('kind = "normal", deviation = -1', ["`deviation` is -1; it can't be less than 0"]),
        ('kind = "zeros", low = 1', ["`zeros` does not use `low`"]),
    ],
)
def test_wrong_settings_of_generated_numbers_are_told_with_the_other_mistakes(
    folder: Path, description: Description, settings: str, messages: list[str]
) -> None:
    Path("run.toml").write_text(
        f"""
program = {{ sources = ["kernel.s"] }}
[[input]]
symbol = "x"
generate = {{ {settings} }}
[[output]]
symbol = "y"
check = {{ expression = "x + 1" }}
[[output]]
symbol = "gone"
save = "gone.npy"
""",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
    shown = [(found.span and found.span.line, found.message) for found in caught.value.diagnostics]
    assert shown == [*((5, text) for text in messages), (10, "kernel.s has no symbol `gone`")]


@pytest.mark.parametrize(
    "settings", ['kind = "uniform", high = HUGE', 'kind = "normal", mean = HUGE']
)
def test_integers_beyond_64_bits_are_settings_of_floats(execute: Execute, settings: str) -> None:
    huge = settings.replace("HUGE", str(10**30))
    report = execute(f'[[input]]\nsymbol = "x"\ngenerate = {{ {huge} }}\n')
    assert np.mean(report.machine.read_tensor("x")) > 1e29


def test_what_is_wrong_with_a_tensor_does_not_hide_what_else_is(
    folder: Path, description: Description
) -> None:
    Path("run.toml").write_text(
        """
program = { sources = ["kernel.s"] }
[[input]]
symbol = "z"
generate = { kind = "norml" }
[[output]]
symbol = "y"
ulp = 1.5
check = { expression = "x + n @ w" }
[[output]]
symbol = "half"
shape = [0]
check = { expression = "half + gone" }
""",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
    spans = [found.span for found in caught.value.diagnostics]
    assert [span and (span.line, span.text) for span in spans] == [
        (4, '"z"'),
        (5, '"norml"'),
        (8, "1.5"),
        (9, "n"),
        (12, "0"),
    ]


@pytest.mark.usefixtures("folder")
def test_mistakes_that_are_too_many_are_counted(description: Description) -> None:
    for program, extra in (("absent.s", 1), ("kernel.s", 0)):
        text = f'[program]\nsources = ["{program}"]\n[limits]\n'
        Path("run.toml").write_text(text + "".join(f"k{i} = 1\n" for i in range(1500)), "utf-8")
        with pytest.raises(InputError) as caught:
            execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
        assert len(caught.value.diagnostics) == 1000
        assert caught.value.omitted_count == 500 + extra


def test_mistakes_of_program_and_run_file_are_said_together(
    folder: Path, description: Description
) -> None:
    Path("wrong.s").write_text("_start: .global _start\n  addd a0, a0, 1\n", encoding="utf-8")
    text = 'program = { sources = ["wrong.s"] }\nlimits = { cycles = -1 }\n'
    Path("run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
    messages = [found.message for found in caught.value.diagnostics]
    assert messages[0].startswith("`cycles` is -1")
    assert any("addd" in message for message in messages[1:])


def test_without_a_program_nothing_more_is_said(folder: Path, description: Description) -> None:
    text = 'program = { sources = ["kern.s", "kernel.s"] }\nlimits = { cycles = -1 }\n'
    Path("run.toml").write_text(text + "arguments = { q = 1 }\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)
    spans = [found.span for found in caught.value.diagnostics]
    assert [span and span.text for span in spans] == ['"kern.s"', "-1"]


def test_a_run_file_without_wishes_does_not_run_with_mistakes(
    folder: Path, description: Description
) -> None:
    text = 'program = { sources = ["kernel.s"] }\nlimits = { cycles = -1 }\n'
    Path("run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="`cycles` is -1"):
        execute_run(load_run_file(Path("run.toml"), keep_mistakes=True), description)


@pytest.mark.parametrize(
    "text, keywords, wanted",
    [
        ("", {}, ("native", True)),
        ('run = { engine = "reference" }', {}, ("reference", True)),
        ('run = { engine = "both", timing = "off" }', {}, ("both", False)),
        ('run = { engine = "both" }', {"engine": "reference"}, ("reference", True)),
        ('run = { engine = "both" }', {"listener": Listener(traced=print)}, ("reference", True)),
        ('run = { timing = "off" }', {"timing": True}, ("native", True)),
        ("", {"timing": False}, ("native", False)),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_run_file_chooses_engine_and_timing_unless_the_caller_does(
    description: Description,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    keywords: dict[str, Any],
    wanted: tuple[str, bool],
) -> None:
    made: list[tuple[str, bool]] = []

    class Watched(Machine):
        def __init__(self, *rest: Any, **options: Any) -> None:
            made.append((options["engine"], options["timing"]))
            super().__init__(*rest, **options)

    monkeypatch.setattr(execute_module, "Machine", Watched)
    Path("run.toml").write_text(f'program = {{ sources = ["kernel.s"] }}\n{text}', "utf-8")
    report = execute_run(load_run_file(Path("run.toml")), description, **keywords)
    assert report.status is Status.DONE
    assert made == [wanted]


def test_an_expression_may_be_computed_again_and_again(execute: Execute) -> None:
    step = 'expression = "pad(x, 1)[1:-1, 2:] / 3 + 1"'
    text = f"""
        [arguments]
        a0 = 0
        [[input]]
        symbol = "x"
        generate = {{ kind = "normal", seed = 3 }}
        [[output]]
        symbol = "x"
        check = {{ {step}, repeat = 3 }}
        [[output]]
        symbol = "y"
        check = {{ expression = "x + 1" }}
        ulp = 1
        """
    comparison = execute(text).outputs[0].comparison
    assert comparison is not None
    generator = np.random.Generator(np.random.PCG64(3))
    x = generator.standard_normal((2, 4)).astype(np.float32).astype(np.float64)
    wanted = x
    for _ in range(3):
        wanted = np.pad(wanted, 1)[1:-1, 2:] / 3 + 1
    assert comparison.largest is not None
    errors = np.abs(x - wanted)
    assert comparison.largest.error == pytest.approx(errors.max())
    assert comparison.largest.index == np.unravel_index(errors.argmax(), errors.shape)


@pytest.mark.parametrize(
    "expression, message",
    [
        ("y + 1", "`repeat` needs `x` in the expression, and as an input"),
        ("x @ ((x.T @ x) / 9)", ""),
        ("x.T", "the expression has shape .4, 2."),
        ("sum(x)", "the expression has shape ..; output `x` is"),
    ],
)
def test_what_is_computed_again_has_to_fit_itself(
    execute: Execute, expression: str, message: str
) -> None:
    text = '[[input]]\nsymbol = "x"\ngenerate = { kind = "zeros" }\n[[output]]\nsymbol = "x"\n'
    text += f'check = {{ expression = "{expression}", repeat = 2 }}\n'
    if not message:
        assert execute(text).status is Status.DONE
        return
    with pytest.raises(InputError, match=message):
        execute(text)


def test_a_fault_and_its_dump(tmp_path: Path, description: Description) -> None:
    source = tmp_path / "f.s"
    source.write_text(
        "_start: .global _start\nla t0, x\nli t1, 5\nsw t1, [t0]\nlw t1, [zero]\n"
        "x: .tensor u32, 1\n"
    )
    dump = tmp_path / "x.npy"
    output = Output("x", save=tmp_path / "y.npy")
    run_file = RunFile("f", (source,), dumps=(Dump("x", dump),), outputs=(output,))
    report = execute_run(run_file, description)
    assert report.exit_code is ExitCode.GUEST_FAULT
    assert report.outputs == ()
    assert not (tmp_path / "y.npy").exists()
    assert np.load(dump).tolist() == [5]
    assert report.message is not None
    lines = report.message.split("\n")
    assert lines[0].startswith(f"{source}:5:1: fault: load of 4 bytes at 0x0")
    assert lines[1:3] == ["    lw t1, [zero]", "    ^^^^^^^^^^^^^"]


def test_a_run_made_in_python(folder: Path, description: Description) -> None:
    run_file = RunFile(
        "mine",
        (folder / "kernel.s",),
        arguments=(Argument("a0", 0),),
        inputs=(Input("x", file=folder / "x.csv"),),
    )
    (folder / "x.csv").write_text("1,2,3,4\n5,6,7,8\n", encoding="utf-8")
    counts: list[int] = []
    traced: list[str] = []
    report = execute_run(
        run_file,
        description,
        Listener(progressed=counts.append, traced=lambda entry: traced.append(entry.text)),
    )
    assert report.machine.read_tensor("y").max() == 9
    assert len(traced) == report.retired
    assert report.stop is not None
    assert report.stop.reason is StopReason.HALT


def test_printed_text_is_passed_on_and_kept(tmp_path: Path, description: Description) -> None:
    source = tmp_path / "p.s"
    source.write_text(
        "_start: .global _start\nli t0, 65\n1: print.char t0\nprint.int t0\njump 1b\n"
    )
    parts: list[str] = []
    report = execute_run(
        RunFile("p", (source,), instructions_max=8), description, Listener(printed=parts.append)
    )
    assert parts == ["A", "65", "A", "65", "A"]
    assert report.printed == "A65A65A"[: len(report.printed)]
    assert not report.is_printed_cut
    assert report.machine.printed == []


def test_ctrl_c_ends_with_the_count(tmp_path: Path, description: Description) -> None:
    source = tmp_path / "p.s"
    source.write_text("_start: .global _start\n1: jump 1b\n")

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    endless = RunFile("p", (source,), instructions_max=10**17)
    report = execute_run(endless, description, Listener(progressed=interrupt))
    assert report.exit_code is ExitCode.INTERRUPTED
    assert report.stop is None
    assert report.message is not None
    assert f"interrupted after {report.retired} instructions" in report.message


def test_the_report_as_json(execute: Execute) -> None:
    report = execute(f'{NORMAL}[[output]]\nsymbol = "y"\ncheck = {{ expression = "x / 0" }}\n')
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert found["exit_code"] == 1
    assert found["inputs"] == [
        {
            "symbol": "x",
            "element": "f32",
            "shape": [2, 4],
            "size": 32,
            "origin": "normal",
            "seed": 4,
            "saturated": 0,
        }
    ]
    check = found["outputs"][0]["check"]
    assert (check["matched"], check["total"], check["differing_elements"]) == (0, 2, 8)
    assert check["differences"][0]["error"] == "inf"
    assert found["stop"] == {"reason": "halt", "code": 0}
    assert found["fault"] is None
    again = execute(f'{NORMAL}[[output]]\nsymbol = "y"\ncheck = {{ expression = "x / 0" }}\n')
    assert again.to_json() == report.to_json()
