"""`run.toml`: everything wrong in it is shown at once and in place; nothing outside is reached."""

import inspect
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.cli.run import run
from dojo_tools.diagnostics import InputError
from dojo_tools.runs import Generate, Tolerance, load_run_file, parse_argument
from dojo_tools.runs.run_file import TABLE_KEYS

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "run-files.md"
OTHER_OPTIONS = {"--examples", "--fidelity", "--version"}
"""Options of `dojo-run` that run no file."""
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "run"
SAVED = '[[output]]\nsymbol = "x"\nsave = "x.txt"\n'


def load(text: str) -> None:
    Path("run.toml").write_text(text, encoding="utf-8")
    load_run_file(Path("run.toml"))


def test_every_mistake_is_shown_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[Path, str], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = (GOLDEN / "mistakes.toml").read_text(encoding="utf-8")
    Path("mistakes.toml").write_text(text, encoding="utf-8")
    Path("code.s").touch()
    Path("x.npy").touch()
    with pytest.raises(InputError) as caught:
        load_run_file(Path("mistakes.toml"))
    golden(GOLDEN / "mistakes.txt", f"{caught.value}\n")


def test_a_complete_run_file(folder: Path) -> None:
    np.save("x.npy", np.zeros(1))
    Path("run.toml").write_text(
        """
        [program]
        sources = ["kernel.s"]
        [limits]
        instructions = 1_000
        [arguments]
        a0 = 0x10
        w = [1, 2.5]
        [[input]]
        symbol = "x"
        generate = { kind = "uniform", seed = 3, high = 2 }
        [[output]]
        symbol = "y"
        element = "f32"
        shape = [2, 4]
        save = "y.npy"
        relative = 1e-6
        ulp = 2
        [output.check]
        file = "x.npy"
        """,
        encoding="utf-8",
    )
    run_file = load_run_file(folder / "run.toml")
    assert run_file.instructions_max == 1000
    assert [(a.name, a.value) for a in run_file.arguments] == [("a0", 16), ("w", (1, 2.5))]
    assert run_file.inputs[0].generate == Generate("uniform", 3, 0.0, 2)
    output = run_file.outputs[0]
    assert (output.element, output.shape) == ("f32", (2, 4))
    assert output.tolerance == Tolerance(0.0, 1e-6, 2)
    assert output.check is not None
    assert output.check.file == folder / "x.npy"


@pytest.mark.parametrize(
    "text, message",
    [
        ("[program\n", r"run.toml:1:9: error: Expected"),
        ("[limits]\ninstructions = 1 2", "run.toml:2:18: error:"),
        ("a =", "run.toml:1:4: error: Invalid value"),
        ("a = " + "9" * 5000, "can't be read"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("", "names no program"),
        ("program = 3", "`program` is an integer \\(3\\), not a table"),
        ('program = "kernel.s"', 'hint: as in program = { sources = ."kernel.s". }'),
        ('[program]\nsources = "kernel.s"', "not an array\n.*\n.*\nhint: as in sources ="),
        ('machine = "d1"', 'hint: as in machine = { name = "d1" }'),
        ('[machine]\nname = "d1.toml"', 'hint: write file = "d1.toml"'),
        ('[machine]\nname = "dl"', "run.toml:2:8: error: unknown machine `dl`"),
        ('[run]\nengine = "nativ"', "run.toml:2:10: error: there is no engine `nativ`"),
        ('[run]\nengine = "nativ"', "did you mean `native`"),
        ("[run]\ntiming = false", '`timing` is a boolean .false.; "on" or "off" fits'),
        ("[limits]\ncycles = 1e6", "hint: written as 1_000_000"),
        ('[limits]\ncycles = "1000"', "hint: without quotes: 1000"),
        ('[arguments]\na0 = [1, "0x10"]', "run.toml:2:10: error: `a0` holds a string"),
        ('[arguments]\na0 = [1, "0x10"]', "hint: without quotes: 0x10"),
        ('sources = ["kernel.s"]', "`sources` stands in no table"),
        ('sources = ["kernel.s"]', "hint: write it below .program."),
        ('[[output]]\nsymbol = "x"\ncheck = { expression = "1" }\ntolerance = 1', "`ulp`"),
        ('[[input]]\nsymbol = "x"\ngenerate = { kind = "normal", std = 1 }', "`deviation`"),
        ('[program]\nsources = ["kern.c"]\n', "there is no file `kern.c`"),
        ("[run]\nworkers = 0", "`workers` is 0; 1..256 fits"),
        ("[program]\nsources = []\n", "no program"),
        ('[[output]]\nsymbol = "x"\ncheck = { file = "x.npy", repeat = 2 }', "`repeat` needs an"),
        ('[show]\nv1 = "f23"', "run.toml:2:6: error: unknown element type `f23`"),
        ("input = 3", "`input` is an integer; write each as|write each as \\[\\[input\\]\\]"),
        ("[program]\nsources = [3]", "`sources` holds an integer .3.; strings fit"),
        ('[program]\nimage = "a"\nsources = ["b"]', "an image runs alone"),
        ('[program]\nimage = "a"\ndefines = {}', "an image runs alone"),
        ('[program]\nobjects = ["a"]\ndefines = {}', "`defines` needs `sources`"),
        ('[program]\nsources = ["a"]\ndefines = { "9" = 1 }', "`9` is not a name"),
        ('[program]\nsources = ["a"]\ndefines = { N = 0.5 }', "`N` is a number"),
        ("[limits]\ninstructions = 0", "`instructions` is 0; 1.."),
        ("[arguments]\na0 = 2026-01-01", "`a0` is a date or time"),
        ("[arguments]\na0 = [[[[[[[[[[1]]]]]]]]]]", "`a0` is nested more than 8 deep"),
        ('[[input]]\nsymbol = "x"\ngenerate = { kind = "uniform", low = inf }', "not a finite"),
        ('[[input]]\nsymbol = "x"\ngenerate = { kind = "uniform", low = 3 }', "more than `high`"),
        ('[[input]]\nsymbol = "x"\ngenerate = {}', "needs a `kind`"),
        ('[[output]]\nsymbol = "x"\ncheck = {}', "either `expression` or `file`"),
    ],
)
def test_single_mistakes(folder: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(text)


@pytest.mark.parametrize(
    "low, hint", [("1e6", "written as 1_000_000"), ("1e300", None), ("-1e20", None)]
)
def test_an_integer_is_only_shown_where_it_fits(folder: Path, low: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        load(
            'program = { sources = ["kernel.s"] }\n'
            f'[[input]]\nsymbol = "x"\ngenerate = {{ kind = "arange", low = {low} }}\n'
        )
    assert [found.hint for found in caught.value.diagnostics] == [hint]


def test_an_argument_and_an_input_for_one_symbol_are_one_too_many(folder: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(
            'program = { sources = ["kernel.s"] }\n'
            "[arguments]\nx = 3\n"
            '[[input]]\nsymbol = "x"\ngenerate = { kind = "zeros" }\n'
            '[[input]]\nsymbol = "y"\ngenerate = { kind = "zeros" }\n'
        )
    (found,) = caught.value.diagnostics
    assert found.message == "`x` is named twice"
    assert found.span
    assert found.span.text == '"x"'
    assert [note.span and note.span.text for note in found.notes] == ["x"]


@pytest.mark.parametrize("name", ["/etc/hostname", "../x.npy", "a/../../x.npy", "out/x.npy", ""])
@pytest.mark.parametrize("key", ["file", "save", "sources"])
def test_nothing_outside_the_folder_is_reached(tmp_path: Path, name: str, key: str) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "a").mkdir()
    np.save(tmp_path / "x.npy", np.zeros(1))
    (folder / "out").symlink_to(tmp_path)
    text = {
        "file": f'[[input]]\nsymbol = "x"\nfile = "{name}"',
        "save": f'[[output]]\nsymbol = "x"\nsave = "{name}"',
        "sources": f'[program]\nsources = ["{name}"]',
    }[key]
    (folder / "run.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is not below the run file's folder"):
        load_run_file(folder / "run.toml")


def test_an_output_never_overwrites_what_the_run_reads(folder: Path) -> None:
    np.save("x.npy", np.zeros(1))
    text = '[[input]]\nsymbol = "x"\nfile = "x.npy"\n[[output]]\nsymbol = "y"\nsave = "./x.npy"\n'
    with pytest.raises(InputError, match="is read by this run"):
        load(text)
    text = '[[output]]\nsymbol = "y"\nsave = "o.npy"\n[[output]]\nsymbol = "x"\nsave = "o.npy"\n'
    with pytest.raises(InputError, match="is saved twice"):
        load(text)


def test_the_documented_run_file_is_right_but_for_its_files(folder: Path) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    lines = itertools.dropwhile(lambda line: not line.startswith("    "), text.split("\n"))
    example = list(itertools.takewhile(lambda line: line.startswith("    ") or not line, lines))
    Path("run.toml").write_text("\n".join(example), encoding="utf-8")
    mistakes = load_run_file(Path("run.toml"), keep_mistakes=True).mistakes.found
    assert len(mistakes) == 4
    assert all(found.message.startswith("there is no file") for found in mistakes)


def test_each_key_of_a_table_is_documented_with_its_option() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.split("\n") if line.startswith("| `")]
    keys = " ".join(row[0] for row in rows)
    assert not [
        key
        for table, known in TABLE_KEYS.items()
        for key in known
        if f"`{table}.{key}`" not in keys and f"`.{key}`" not in keys
    ]
    options = {
        option
        for found in inspect.signature(run).parameters.values()
        for option in option_names(found)
    }
    told = {*OTHER_OPTIONS, *(name for name in options if f"`{name}" in text)}
    assert options == told


def option_names(parameter: inspect.Parameter) -> Iterator[str]:
    """Yield the long names of the option that a parameter of a command is."""
    for part in getattr(parameter.annotation, "__metadata__", ()):
        # Where the option is an annotation, its first name stands in the place of a default.
        names = (getattr(part, "default", None), *(getattr(part, "param_decls", None) or ()))
        yield from (name for name in names if isinstance(name, str) and name.startswith("--"))


def test_a_wrong_suffix_alone_is_a_mistake(folder: Path) -> None:
    Path("x.txt").touch()
    text = '[program]\nsources = ["kernel.s"]\n'
    for rest in ('[[input]]\nsymbol = "x"\nfile = "x.txt"\n', SAVED):
        with pytest.raises(InputError, match=r"`x\.txt` ends in neither \.npy nor \.csv"):
            load(text + rest)


def test_a_run_file_names_engine_timing_workers_and_descriptions(folder: Path) -> None:
    Path("own.isa").touch()
    Path("run.toml").write_text(
        'program = { sources = ["kernel.s"], isa = ["own.isa"] }\n'
        '[run]\nengine = "both"\ntiming = "off"\nworkers = 3\n',
        encoding="utf-8",
    )
    run_file = load_run_file(folder / "run.toml")
    assert (run_file.engine, run_file.timing, run_file.workers) == ("both", False, 3)
    assert run_file.isa == (folder / "own.isa",)


def test_mistakes_of_a_machine_file_show_there(folder: Path) -> None:
    Path("own.toml").write_text('base = "d1"\n[node]\nthreads = 9\n[nod]\n', encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load('machine = { file = "own.toml" }\nprogram = { sources = ["kernel.s"], x = 1 }\n')
    spans = [found.span for found in caught.value.diagnostics]
    shown = [span and (Path(span.source.name).name, span.text) for span in spans]
    assert shown == [("run.toml", "x"), ("own.toml", "9"), ("own.toml", "[nod]")]


def test_a_huge_file_is_no_run_file(folder: Path) -> None:
    with pytest.raises(InputError, match="not a run file"):
        load("#" * (1 << 21))


def test_arguments_of_the_command_line() -> None:
    assert parse_argument("a0=0x10").value == 16
    assert parse_argument("a0=-3").value == -3
    assert parse_argument("scale=0.5").value == 0.5
    for text in ("a0", "=3", "a0=", "a0=x"):
        with pytest.raises(InputError):
            parse_argument(text)
