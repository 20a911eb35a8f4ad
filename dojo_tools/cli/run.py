"""`dojo-run`: runs a program, checks what came out, and says how it ended."""

import contextlib
import gc
import json
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dojo_tools.cli.common import (
    STANDARD_STREAM,
    IsaFiles,
    Version,
    application,
    check_output,
    is_shown_at_once,
    load,
    messages_file,
    show,
    write_output,
)
from dojo_tools.cli.mesh_output import mesh_rows, print_heatmap
from dojo_tools.diagnostics import (
    Diagnostic,
    Event,
    ExitCode,
    InputError,
    Note,
    Severity,
    Source,
    Span,
    printable,
)
from dojo_tools.runs.model import ENGINES, INTEGER_MAX, TIMINGS, WORKERS_MAX

if TYPE_CHECKING:
    from dojo_tools.description import Description, Example, RegisterFile
    from dojo_tools.formats import Element
    from dojo_tools.machine import Change, Machine, TraceEntry
    from dojo_tools.machine.thread_view import ThreadView
    from dojo_tools.runs import Argument, Dump, RunFile, RunReport
    from dojo_tools.runs.report import OutputResult

LAST_MAX = 10_000
NODES_SIDE_MAX = 4096
PROGRESS_AFTER_SECONDS = 1.0
PROGRESS_EVERY_SECONDS = 0.2
WORDS_A_LINE = 8
FAILED_CHECK = "check-failed"


def run(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="A run file (*.toml), an image, or sources, objects and archives to link.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Write the report as JSON; `-` is stdout, which then has nothing else.",
        ),
    ] = None,
    registers: Annotated[
        bool, typer.Option("--registers", help="Print the final registers that are not zero.")
    ] = False,
    dump: Annotated[
        list[str] | None,
        typer.Option(
            "--dump",
            metavar="SYMBOL[@X,Y]=FILE",
            help="Save a symbol's memory, that of node X,Y, as .npy or .csv.",
        ),
    ] = None,
    show_as: Annotated[
        list[str] | None,
        typer.Option(
            "--show-as",
            metavar="REGISTER=TYPE",
            help="Show a register, as `v3`, or a file, as `v`, as values of an element type.",
        ),
    ] = None,
    print_trace: Annotated[
        bool, typer.Option("--print-trace", help="Print each instruction and what it changed.")
    ] = False,
    trace_last: Annotated[
        int | None,
        typer.Option(
            "--trace-last",
            metavar="N",
            min=1,
            max=LAST_MAX,
            help="Print the last N instructions of each thread, however the run ends.",
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Option("--arg", metavar="NAME=VALUE", help="Set a register or symbol beforehand."),
    ] = None,
    max_instructions: Annotated[
        int | None,
        typer.Option(
            "--max-instructions",
            metavar="N",
            min=1,
            max=INTEGER_MAX,
            help="Stop after N. [default: 10^10]",
        ),
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(
            "--machine",
            metavar="NAME|FILE",
            help="The machine: a shipped one or a .toml file. [default: node]",
        ),
    ] = None,
    grid: Annotated[
        str | None,
        typer.Option(
            "--grid",
            metavar="WxH",
            help="Columns and rows of nodes that run the program. [default: all]",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="X,Y", help="The node where they begin. [default: 0,0]"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            max=WORKERS_MAX,
            help="Host threads that run dies side by side; the result is the same. [default: 1]",
        ),
    ] = None,
    deadlock_dot: Annotated[
        Path | None,
        typer.Option(
            "--deadlock-dot",
            metavar="FILE",
            help="Write who waits for whom at the end as a graph (DOT), empty if nobody does.",
        ),
    ] = None,
    heatmap: Annotated[
        bool, typer.Option("--heatmap", help="Show the packets that left each node, as a map.")
    ] = False,
    isa: IsaFiles = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            metavar="native|reference|both",
            help="The engine; `both` compares them and stops where they differ. [default: native]",
        ),
    ] = None,
    timing: Annotated[
        str | None,
        typer.Option(
            "--timing",
            metavar="on|off",
            help="Count cycles, or take one for each instruction. [default: on]",
        ),
    ] = None,
    dump_ir: Annotated[
        Path | None,
        typer.Option(
            "--dump-ir", metavar="FOLDER", help="Write the LLVM IR of all code that is translated."
        ),
    ] = None,
    examples: Annotated[
        bool, typer.Option("--examples", help="Run the worked examples of the description instead.")
    ] = False,
    fidelity: Annotated[
        bool,
        typer.Option("--fidelity", help="Measure the published figures of the D1 instead."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("-q", "--quiet", help="Print only the program's output and failures.")
    ] = False,
    version: Version = False,
) -> ExitCode:
    """Run a program on one D1 node or many and check what comes out of it.

    Exit codes: 0 done, 1 a check failed, the program halted with a code or took too many cycles,
    2 usage, 3 wrong input, 4 fault of the program, 5 deadlock, 6 instruction limit, 8 the engines
    differ, 74 input or output failed, 130 interrupted.
    """
    if engine not in (None, *ENGINES):
        raise typer.BadParameter(f"there is no engine `{engine}`, only {', '.join(ENGINES)}")
    if print_trace and engine not in (None, "reference"):
        raise typer.BadParameter(
            f"`--print-trace` needs the reference engine, not `{engine}`; `--trace-last` takes any"
        )
    if print_trace and trace_last is not None:
        raise typer.BadParameter("`--print-trace` prints what `--trace-last` would: take one")
    if dump_ir is not None and (print_trace or engine == "reference"):
        raise typer.BadParameter("`--dump-ir` needs the native engine")
    if timing not in (None, *TIMINGS):
        raise typer.BadParameter(f"`--timing {timing}`: it is {' or '.join(TIMINGS)}")
    of_runs = {
        "--report": report,
        "--registers": registers,
        "--dump": dump,
        "--show-as": show_as,
        "--print-trace": print_trace,
        "--trace-last": trace_last,
        "--arg": arguments,
        "--max-instructions": max_instructions,
        "--machine": machine,
        "--grid": grid,
        "--at": at,
        "--workers": workers,
        "--deadlock-dot": deadlock_dot,
        "--heatmap": heatmap,
        "--timing": timing,
        "--dump-ir": dump_ir,
    }
    if examples:
        if files:
            raise typer.BadParameter("`--examples` takes no FILE")
        _refuse_others("--examples", {**of_runs, "--fidelity": fidelity})
        return _run_examples(load(isa), isa or [], engine or ENGINES[-1], quiet)
    if fidelity:
        if files:
            raise typer.BadParameter("`--fidelity` takes no FILE")
        _refuse_others("--fidelity", {**of_runs, "--isa": isa, "--quiet": quiet})
        if engine == "both":
            raise typer.BadParameter("`--fidelity` takes one engine")
        from dojo_tools.cli.fidelity_table import print_fidelity

        return print_fidelity(engine or ENGINES[0])
    if report == deadlock_dot == STANDARD_STREAM:
        raise typer.BadParameter("`--report -` and `--deadlock-dot -` would be mixed up")
    if not files:
        raise typer.BadParameter(
            "a FILE is needed: a run file, an image, sources, objects or archives"
        )

    run_file = _with_options(_run_file(files), arguments or [], dump or [], max_instructions)
    run_file = _with_view(run_file, show_as or [], machine)
    run_file = _with_grid(run_file, grid, at)
    run_file = replace(
        run_file,
        workers=workers or run_file.workers,
        timing=run_file.timing if timing is None else timing == "on",
    )
    if print_trace and engine is None and run_file.engine == "both":
        raise typer.BadParameter(
            "`--print-trace` needs the reference engine, not `both` of the run file: add "
            "`--engine reference`"
        )
    if dump_ir is not None and (engine or run_file.engine) == "reference":
        raise typer.BadParameter("`--dump-ir` needs the native engine: add `--engine native`")

    for path in (report, deadlock_dot, *(wish.path for wish in run_file.dumps)):
        if path is not None:
            check_output(path)
    _check_apart(_written_files(run_file, report, deadlock_dot))

    from dojo_tools.runs import Listener, execute_run

    description = load([*run_file.isa, *(isa or [])])
    with contextlib.redirect_stdout(sys.stderr if report == STANDARD_STREAM else sys.stdout):
        screen = _Screen()
        traced = screen.write_entry if print_trace else None
        outcome = execute_run(
            run_file,
            description,
            Listener(screen.write_printed, screen.show_progress, traced),
            engine=engine,
            ir_folder=dump_ir,
            last=trace_last or 0,
        )
        screen.finish()
        show(outcome.warnings)
        if not quiet:
            _print_summary(outcome, screen.elapsed_seconds, run_file.timing)
        if registers:
            for line in _all_register_lines(outcome, description, run_file):
                print(line)
        for line in _last_lines(outcome):
            print(line)
        if heatmap and outcome.end is None:
            print("no map of packets: the program ran on one node by itself")
        elif heatmap:
            print_heatmap(outcome.mesh)
        if deadlock_dot is not None:
            write_output(deadlock_dot, _deadlock_graph(outcome).encode())
        if not quiet:
            _print_outputs(outcome)
        sys.stdout.flush()
        _print_failure(outcome, quiet)
    if report is not None:
        text = json.dumps(outcome.to_json(), indent=2, allow_nan=False) + "\n"
        write_output(report, text.encode())
    return outcome.exit_code


def main() -> None:
    """Run the command."""
    application(run)()


# What to run.


def _refuse_others(mode: str, options: Mapping[str, object]) -> None:
    """Refuse the options with a value: they would do nothing in place of a run."""
    for option, value in options.items():
        if value not in (None, False, []):
            raise typer.BadParameter(f"`{mode}` takes no `{option}`")


def _run_file(files: list[Path]) -> "RunFile":
    if files[0].suffix == ".toml" and len(files) == 1:
        from dojo_tools.runs import load_run_file

        return load_run_file(files[0], keep_mistakes=True)
    if any(path.suffix == ".toml" for path in files):
        raise typer.BadParameter("a run file names its program itself: it runs alone")
    from dojo_tools.runs import RunFile

    return RunFile(str(files[0]), tuple(files))


def _with_options(
    run_file: "RunFile", arguments: list[str], dumps: list[str], max_instructions: int | None
) -> "RunFile":
    """Return a run file with what the command line adds; its arguments override the file's."""
    return replace(
        run_file,
        arguments=(*run_file.arguments, *(_argument(text) for text in arguments)),
        dumps=(*run_file.dumps, *(_dump(text) for text in dumps)),
        instructions_max=max_instructions or run_file.instructions_max,
    )


def _argument(text: str) -> "Argument":
    from dojo_tools.runs import parse_argument

    try:
        return parse_argument(text)
    except InputError as error:
        raise typer.BadParameter(f"--arg: {error.diagnostics[0].message}") from None


def _dump(text: str) -> "Dump":
    from dojo_tools.runs import Dump, check_suffix

    symbol, _, name = text.partition("=")
    if not symbol or not name:
        raise typer.BadParameter(f"--dump: `{text}` is not SYMBOL=FILE")
    wrong = check_suffix(Path(name), None)
    if wrong is not None:
        raise typer.BadParameter(f"--dump: {wrong.diagnostics[0].message}")
    symbol, separator, place = symbol.partition("@")
    node = _pair("--dump", place, ",") if separator else None
    return Dump(symbol, Path(name), node)


def _written_files(
    run_file: "RunFile", report: Path | None, deadlock_dot: Path | None
) -> Iterable[tuple[str, Path]]:
    """Yield what a run writes, in the words of messages, with its file."""
    options = {
        "`--report`": report,
        "`--deadlock-dot`": deadlock_dot,
        "`--diagnostics-file`": messages_file(),
    }
    yield from ((name, path) for name, path in options.items() if path is not None)
    for wish in run_file.dumps:
        place = "" if wish.node is None else "@{},{}".format(*wish.node)
        yield f"`--dump {printable(wish.symbol)}{place}`", wish.path
    for output in run_file.outputs:
        if output.save is not None:
            yield f"output `{printable(output.title)}`", output.save


def _check_apart(files: Iterable[tuple[str, Path]]) -> None:
    """Refuse two outputs that would overwrite each other; a device or a pipe takes several."""
    writers: dict[Path, str] = {}
    for name, path in files:
        is_stream = path == STANDARD_STREAM or (path.exists() and not path.is_file())
        other = None if is_stream else writers.setdefault(path.resolve(), name)
        if other not in (None, name):
            raise typer.BadParameter(
                f"{other} and {name} would both write `{printable(str(path))}`"
            )


def _with_view(run_file: "RunFile", shows: list[str], machine: str | None) -> "RunFile":
    """Return a run file with another machine, and with more registers to show as values."""
    from dojo_tools.runs import Show

    added: list[Show] = []
    for text in shows:
        register, _, element = text.partition("=")
        if not register or not element:
            raise typer.BadParameter(f"--show-as: `{printable(text)}` is not REGISTER=TYPE")
        added.append(Show(register, element))
    return replace(
        run_file,
        shows=(*run_file.shows, *added),
        machine=run_file.machine if machine is None else machine,
    )


def _with_grid(run_file: "RunFile", grid: str | None, at: str | None) -> "RunFile":
    """Return a run file with other nodes to run on."""
    found = run_file.grid
    if grid is not None:
        found = replace(found, size=_pair("--grid", grid, "x", 1))
    if at is not None:
        found = replace(found, at=_pair("--at", at, ","))
    return replace(run_file, grid=found)


def _pair(option: str, text: str, separator: str, low: int = 0) -> tuple[int, int]:
    """Return two numbers, as in `4x2` or `3,0`."""
    first, found, second = text.partition(separator)
    if not found or not all(part.isascii() and part.isdecimal() for part in (first, second)):
        example = f"4{separator}2"
        raise typer.BadParameter(f"{option}: `{printable(text)}` is no pair such as {example}")
    pair = int(first), int(second)
    if not all(low <= number <= NODES_SIDE_MAX for number in pair):
        raise typer.BadParameter(
            f"{option}: `{printable(text)}` is out of range: {low}..{NODES_SIDE_MAX} fits"
        )
    return pair


# While it runs.


class _Screen:
    """Standard output, where the program prints, and on a terminal a line of progress."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown_at = 0.0
        self._at_line_start = True
        self._progress_is_shown = False
        self.elapsed_seconds = 0.0

    def write_printed(self, text: str) -> None:
        """Print what the program prints: as it is, but so that it can't steer a terminal."""
        self._clear_progress()
        encoding = sys.stdout.encoding or "utf-8"
        shown = text.encode(encoding, "replace").decode(encoding)
        if sys.stdout.isatty():
            shown = "\n".join(printable(line) for line in shown.split("\n"))
        sys.stdout.write(shown)
        if text:
            self._at_line_start = text.endswith("\n")

    def write_entry(self, entry: "TraceEntry") -> None:
        """Print an executed instruction."""
        self._start_line()
        sys.stdout.write(_entry_text(entry) + "\n")

    def show_progress(self, retired: int) -> None:
        """Show how far the run is, if it takes long and somebody watches."""
        sys.stdout.flush()
        now = time.monotonic()
        elapsed = now - self._start
        is_due = elapsed > PROGRESS_AFTER_SECONDS and now - self._shown_at > PROGRESS_EVERY_SECONDS
        if is_due and self._at_line_start and sys.stderr.isatty():
            self._shown_at = now
            self._progress_is_shown = True
            text = f"\r{retired:,} instructions, {retired / elapsed / 1e6:.2f} million/s\x1b[K"
            sys.stderr.write(text)
            sys.stderr.flush()

    def finish(self) -> None:
        """Leave both streams at the start of a line."""
        self.elapsed_seconds = time.monotonic() - self._start
        self._clear_progress()
        self._start_line()
        sys.stdout.flush()

    def _start_line(self) -> None:
        if not self._at_line_start:
            sys.stdout.write("\n")
            self._at_line_start = True

    def _clear_progress(self) -> None:
        if self._progress_is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._progress_is_shown = False


def _entry_text(entry: "TraceEntry") -> str:
    """Return cycle, thread if there are several, pc, instruction, source line, what changed."""
    line = "" if entry.line is None else f"{Path(entry.line.file).name}:{entry.line.line}"
    changes = ", ".join(map(_change_text, entry.changes))
    who = f"{entry.who}  " if entry.who else ""
    text = f"{entry.cycle:>8}  {who}0x{entry.pc:06x}  {entry.text:<32}  {line:<20}  {changes}"
    return printable(text.rstrip())


def _change_text(change: "Change") -> str:
    if change.before is None:
        return f"{change.place} = {change.after}"
    return f"{change.place}: {change.before} -> {change.after}"


# How it ended.


def _last_lines(outcome: "RunReport") -> Iterable[str]:
    """Yield what each thread that began did last, if that was asked for."""
    for last in outcome.last:
        who = f" of {last.who}" if last.who else ""
        count = len(last.entries)
        yield f"last {count} instructions{who}" if count != 1 else f"last instruction{who}"
        yield from map(_entry_text, last.entries)


def _print_summary(outcome: "RunReport", elapsed_seconds: float, with_causes: bool) -> None:
    rows = [("status", outcome.status.value)]
    if sys.stdout.isatty():
        rows += [
            ("instructions", f"{outcome.retired:,}"),
            ("cycles", f"{outcome.cycles:,}"),
            ("time", f"{elapsed_seconds:.2f} s"),
        ]
    else:
        rows += [("instructions", str(outcome.retired)), ("cycles", str(outcome.cycles))]
    if with_causes:
        rows.append(("causes", _causes_text(outcome)))
    if outcome.end is not None:
        rows += mesh_rows(outcome.mesh)
    for tensor in outcome.inputs:
        origin = tensor.origin if tensor.seed is None else f"{tensor.origin}, seed {tensor.seed}"
        saturated = f", {tensor.saturated} saturated" if tensor.saturated else ""
        text = f"{tensor.symbol} {tensor.element} {tensor.shape} {origin}{saturated}"
        rows.append(("input", text))
    if not sys.stdout.isatty():
        for key, value in rows:
            print(key, printable(value))
        return

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    colour = "green" if outcome.exit_code is ExitCode.DONE else "red"
    for key, value in rows:
        style = colour if key == "status" else ""
        table.add_row(Text(key, "dim"), Text(printable(value), style))
    Console(highlight=False).print(table)


def _causes_text(outcome: "RunReport") -> str:
    """Return what the cycles went to, those of all threads together, as percentages."""
    total = sum(outcome.causes.values())
    parts = [f"{cause} {count / total:.1%}" for cause, count in outcome.causes.items() if count]
    return ", ".join(parts) or "none"


def _print_outputs(outcome: "RunReport") -> None:
    lines: list[tuple[str, str]] = []
    for output in outcome.outputs:
        *details, last = output.lines()
        lines += [(line, "") for line in details]
        lines.append((last, "green" if output.passed else "red"))
    if not sys.stdout.isatty():
        for line, _ in lines:
            print(printable(line))
        return

    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    for line, style in lines:
        console.print(Text(printable(line), style))


def _print_failure(outcome: "RunReport", quiet: bool) -> None:
    """Say what went wrong, if anything did.

    On standard error as text, where the outputs were described before or are now, one line is
    enough for all that are wrong; otherwise each is a diagnostic.
    """
    if not is_shown_at_once():
        show(outcome.failures)
        return
    failed = [output for output in outcome.outputs if not output.passed]
    show(found for found in outcome.failures if found.name != FAILED_CHECK)
    if quiet:
        for line in (line for output in failed for line in output.lines()):
            print(printable(line), file=sys.stderr)
    if failed:
        names = ", ".join(map(_wrong_text, failed))
        text = f"{len(failed)} of {len(outcome.outputs)} outputs are wrong: {names}"
        show([Diagnostic(Severity.ERROR, text)])


def _wrong_text(output: "OutputResult") -> str:
    count = len(output.wrong_nodes)
    return f"{output.symbol} of {count} nodes" if count > 1 else output.symbol


def _deadlock_graph(outcome: "RunReport") -> str:
    """Return the graph of those who wait at the end of a run, an empty one where nobody does."""
    from dojo_tools.machine.deadlock import find_deadlock
    from dojo_tools.machine.deadlock_graph import EMPTY_GRAPH, deadlock_dot

    found = None
    if outcome.end is not None:
        found = outcome.end.deadlock or find_deadlock(outcome.mesh)
    return EMPTY_GRAPH if found is None else deadlock_dot(outcome.mesh, found)


def _all_register_lines(
    outcome: "RunReport", description: "Description", run_file: "RunFile"
) -> Iterable[str]:
    """Yield the registers of the machine, of many nodes those of each thread that began."""
    if outcome.end is None:
        yield from _register_lines(outcome.machine, description)
        return
    from dojo_tools.machine.mesh_names import agent_name
    from dojo_tools.machine.thread_view import ThreadView

    mesh = outcome.mesh
    for agent in mesh.agents():
        thread = mesh.engine.thread(agent)
        if not thread.retired:
            continue
        view = ThreadView(thread, mesh.machine.denormals)
        for wish in run_file.shows:
            view.show_as(wish.register, wish.element)
        yield agent_name(mesh, agent)
        yield from _register_lines(view, description)


def _register_lines(machine: "Machine | ThreadView", description: "Description") -> Iterable[str]:
    """Yield the pc and the registers that are not zero.

    Wide ones as 32-bit words and floats, others in hexadecimal, unless an element type was chosen.
    """
    yield f"pc 0x{machine.pc:x}"
    for file in description.registers:
        for index in range(file.count):
            name = f"{file.name}{index}"
            value = machine.read_register(name)
            if not value or not (isinstance(value, int) or any(value)):
                continue
            element = machine.shown_as(name)
            names = _register_names(file, index)
            if element is not None:
                head = f"{names} 0x{value:x} =" if isinstance(value, int) else name
                yield from _value_lines(head, element, machine.value_texts(name))
            elif isinstance(value, int):
                yield f"{names} 0x{value:x}"
            else:
                yield from _wide_lines(name, value)


def _register_names(file: "RegisterFile", index: int) -> str:
    others = [name for name, number in file.names if number == index]
    return " ".join([f"{file.name}{index}", *others])


def _value_lines(head: str, element: "Element", texts: list[str]) -> Iterable[str]:
    """Yield the values of a register; of a wide one, lines that hold more than zeros."""
    if len(texts) <= WORDS_A_LINE:
        yield f"{head} {element} {' '.join(texts)}"
        return
    for start in range(0, len(texts), WORDS_A_LINE):
        part = texts[start : start + WORDS_A_LINE]
        if set(part) - {"0", "0.0"}:
            yield f"{head}[{start}..{start + len(part) - 1}] {element} {' '.join(part)}"


def _wide_lines(name: str, contents: bytes) -> Iterable[str]:
    from dojo_tools import float_codes

    words = [int.from_bytes(contents[i : i + 4], "little") for i in range(0, len(contents), 4)]
    for start in range(0, len(words), WORDS_A_LINE):
        part = words[start : start + WORDS_A_LINE]
        if any(part):
            codes = " ".join(f"{word:08x}" for word in part)
            numbers = " ".join(float_codes.f32_text(word) for word in part)
            yield f"{name}[{start}..{start + len(part) - 1}] {codes} = {numbers}"


# Worked examples.


def _run_examples(
    description: "Description", isa: list[Path], engine: str, quiet: bool
) -> ExitCode:
    """Run every worked example on an engine or both, those of the user's own files first."""
    from dojo_tools.engines.examples import run_example
    from dojo_tools.machine import bare_threads

    makers = bare_threads(engine, description)

    own = {path.name for path in isa}
    definitions = sorted(
        description.instructions, key=lambda d: d.defined_at.rpartition(":")[0] not in own
    )
    held = total = 0
    for definition in definitions:
        for example in definition.examples:
            found = {
                name: run_example(make, description, definition, example)
                for name, make in makers.items()
            }
            gc.collect(0)  # the threads of an example: few objects, with megabytes of memory
            total += 1
            held += not any(found.values())
            if any(found.values()):
                _show_wrong_example(definition.mnemonic, example, found, isa)
    if not quiet or held < total:
        print(f"{held} of {total} worked examples hold")
    return ExitCode.DONE if held == total else ExitCode.CHECK_FAILED


def _show_wrong_example(
    mnemonic: str, example: "Example", found: Mapping[str, list[str]], isa: list[Path]
) -> None:
    """Show what differs from an example on each engine, once where it is the same on all."""
    differences = [f"{name}: {text}" for name, texts in found.items() for text in texts]
    if all(texts == next(iter(found.values())) for texts in found.values()):
        differences = next(iter(found.values()))
    if is_shown_at_once():
        print(f"{example.defined_at}: {mnemonic}: {example.text}")
        for difference in differences:
            print(f"  {difference}")
        return
    name, _, line = example.defined_at.rpartition(":")
    path = next((path for path in isa if path.name == name), Path(name))
    show(
        [
            Diagnostic(
                Severity.ERROR,
                f"{mnemonic}: {example.text}",
                Span(Source(str(path), "", (int(line), 1)), 0, 0),
                notes=tuple(Note(difference) for difference in differences),
                name="wrong-example",
                event=Event("error", exit_code=ExitCode.CHECK_FAILED),
            )
        ]
    )
