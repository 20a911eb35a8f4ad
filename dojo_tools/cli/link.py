"""`dojo-ld`: objects and archives to an image."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from dojo_tools.cli.common import (
    STANDARD_STREAM,
    IsaFiles,
    Version,
    application,
    load,
    write_output,
)
from dojo_tools.diagnostics import ExitCode, InputError, Report, printable

if TYPE_CHECKING:
    from dojo_tools.linker import Input

T = TypeVar("T")

DEFAULT_IMAGE = Path("a.img")
DEFAULT_OBJECT = Path("a.o")


def _print_limits(wanted: bool) -> None:
    if wanted:
        from dojo_tools.linker import limits

        rows = limits()
        width = max(len(what) for what, _ in rows)
        for what, limit in rows:
            print(f"{what:{width}}  {limit}")
        raise typer.Exit


def link(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="Objects and archives, in the order to link them."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="The image to write, or with -r the object; `-` is stdout. [default: a.img, a.o]",
        ),
    ] = None,
    relocatable: Annotated[
        bool,
        typer.Option(
            "-r", "--relocatable", help="Join objects to one object; only -u and --wrap go with it."
        ),
    ] = False,
    entry: Annotated[
        str, typer.Option("-e", "--entry", metavar="SYMBOL", help="Where thread 0 starts.")
    ] = "_start",
    undefined: Annotated[
        list[str] | None,
        typer.Option("-u", "--undefined", metavar="SYMBOL", help="Link what defines this."),
    ] = None,
    defsym: Annotated[
        list[str] | None,
        typer.Option(
            "--defsym", metavar="NAME=VALUE", help="Define a symbol: number or SYMBOL[+-NUMBER]."
        ),
    ] = None,
    wrap: Annotated[
        list[str] | None,
        typer.Option(
            "--wrap", metavar="SYMBOL", help="Let uses mean __wrap_SYMBOL; __real_SYMBOL is it."
        ),
    ] = None,
    section_start: Annotated[
        list[str] | None,
        typer.Option("--section-start", metavar="NAME=ADDRESS", help="Place a section there."),
    ] = None,
    gc_sections: Annotated[
        bool, typer.Option("--gc-sections", help="Drop sections that nothing reaches.")
    ] = False,
    print_gc_sections: Annotated[
        bool, typer.Option("--print-gc-sections", help="The same, and print what is dropped.")
    ] = False,
    stack_size: Annotated[
        str | None,
        typer.Option("--stack-size", metavar="BYTES", help="Of each thread. [default: 0x4000]"),
    ] = None,
    heap_size: Annotated[
        str | None, typer.Option("--heap-size", metavar="BYTES", help="[default: 0]")
    ] = None,
    machine: Annotated[
        str | None,
        typer.Option(
            "--machine",
            metavar="NAME|FILE",
            help="Check against this machine: its memory, its nodes, those that are dead.",
        ),
    ] = None,
    program: Annotated[
        list[str] | None,
        typer.Option(
            "--program", metavar="NAME=FILE,...", help="Files that are one program of several."
        ),
    ] = None,
    place: Annotated[
        list[str] | None,
        typer.Option(
            "--place", metavar="NAME=X,Y[,WxH][;...]", help="The nodes that run a program."
        ),
    ] = None,
    layout: Annotated[
        Path | None,
        typer.Option("--layout", metavar="FILE", help="Programs, files and nodes from a file."),
    ] = None,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="FILE", help="Write what went where; `-` is stdout."),
    ] = None,
    print_memory: Annotated[
        bool, typer.Option("--print-memory", help="Print what takes how much SRAM.")
    ] = False,
    strip_debug: Annotated[
        bool, typer.Option("--strip-debug", help="Leave out debug information.")
    ] = False,
    isa: IsaFiles = None,
    limits: Annotated[
        bool,
        typer.Option(
            "--limits", callback=_print_limits, is_eager=True, help="List the limits and end."
        ),
    ] = False,
    version: Version = False,
) -> ExitCode:
    """Link objects and archives to an image of one program or of several.

    Exit codes: 0 done, 2 usage, 3 mistakes in what is linked, 74 input or output failed.
    """
    from dojo_tools import linker
    from dojo_tools.objects import encode_image, encode_object

    starts = _each("--section-start", linker.parse_start, section_start)
    chosen = linker.LinkOptions(
        entry=entry,
        undefined=tuple(undefined or ()),
        wrap=tuple(wrap or ()),
        defsyms=tuple(_each("--defsym", linker.parse_defsym, defsym)),
        section_starts=_unique("--section-start", starts),
        gc_sections=gc_sections or print_gc_sections,
        stack_size=_size("--stack-size", stack_size),
        heap_size=_size("--heap-size", heap_size),
    )
    target = output or (DEFAULT_OBJECT if relocatable else DEFAULT_IMAGE)
    if not (files or program or layout):
        raise typer.BadParameter("a FILE is needed: an object or archive")
    printed = [map_file == STANDARD_STREAM, print_memory or print_gc_sections]
    if any(printed) and target == STANDARD_STREAM:
        raise typer.BadParameter("only one output can go to stdout")
    programs = _unique("--program", _each("--program", linker.parse_program, program))
    placements = _unique("--place", _each("--place", linker.parse_placement, place))
    read = linker.LayoutFile((), {}) if layout is None else linker.load_layout_file(layout)
    # Those of programs come first, so that archives among the others are there for all of them.
    of_programs = [(path, name) for name, found in read.programs.items() for path in found.files]
    of_programs += [(path, name) for name, paths in programs.items() for path in paths]
    others = [*read.files, *(files or ())]
    inputs_read = [*(path for path, _ in of_programs), *others]
    _check_outputs((target, map_file), [*inputs_read, *([layout] if layout else ())])

    description = load(isa)
    inputs = _load_files(of_programs, others)
    if relocatable:
        if chosen != linker.LinkOptions(undefined=chosen.undefined, wrap=chosen.wrap) or any(
            (machine, program, place, layout, map_file, print_memory)
        ):
            raise typer.BadParameter("with `-r` only `-u` and `--wrap` can be chosen")
        made = linker.merge_files(inputs, description.relocations, chosen, str(target))
        write_output(target, encode_object(made))
        return ExitCode.DONE
    options = replace(
        chosen,
        **_machine_options(machine),
        entries={n: found.entry for n, found in read.programs.items() if found.entry is not None},
        placements={n: found.nodes for n, found in read.programs.items() if found.nodes}
        | placements,
    )
    linked = linker.link_files(inputs, description.relocations, options, str(target))

    outputs = [(target, encode_image(linked.image, not strip_debug))]
    if map_file is not None:
        lines = linker.list_map(linked.units)
        outputs.append((map_file, "".join(f"{line}\n" for line in lines).encode()))
    for path, contents in outputs:
        write_output(path, contents)
    lines = linker.list_dropped(linked.units) if print_gc_sections else ()
    for line in (*lines, *(linker.list_memory(linked.units) if print_memory else ())):
        print(line)
    return ExitCode.DONE


def main() -> None:
    """Run the command."""
    application(link)()


def _each(option: str, parse: Callable[[str], T], texts: Iterable[str] | None) -> list[T]:
    """Return what the uses of an option say; a mistake is one of usage."""
    found: list[T] = []
    for text in texts or ():
        try:
            found.append(parse(text))
        except InputError as error:
            diagnostic = error.diagnostics[0]
            hint = f"; {diagnostic.hint}" if diagnostic.hint else ""
            raise typer.BadParameter(f"{option}: {diagnostic.message}{hint}") from None
    return found


def _unique(option: str, pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """Return pairs by their first half; twice the same is a mistake of usage."""
    found: dict[str, T] = {}
    for name, value in pairs:
        if name in found:
            raise typer.BadParameter(f"{option}: `{printable(name)}` is given twice")
        found[name] = value
    return found


def _size(option: str, text: str | None) -> int | None:
    from dojo_tools.linker import parse_number

    return None if text is None else _each(option, parse_number, [text])[0]


def _check_outputs(outputs: Iterable[Path | None], inputs: Sequence[Path]) -> None:
    """Refuse to write over what is read, and two outputs to one file."""
    known = {path.resolve() for path in inputs}
    for path in outputs:
        if path is None or path == STANDARD_STREAM:
            continue
        if path.resolve() in known:
            shown = printable(str(path))
            raise typer.BadParameter(
                f"the output would overwrite {shown}, another file of the link"
            )
        known.add(path.resolve())


def _load_files(of_programs: Iterable[tuple[Path, str]], others: Iterable[Path]) -> "list[Input]":
    """Read all files, each file once. Everything that is wrong with any is reported together."""
    from dojo_tools.linker import assign, load_input

    report = Report()
    known: dict[Path, Input] = {}
    found: list[Input] = []
    for path, program in [*of_programs, *((path, None) for path in others)]:
        try:
            if path not in known:
                known[path] = load_input(path)
            found.append(known[path] if program is None else assign(known[path], program))
        except InputError as error:
            for diagnostic in error.diagnostics:
                report.add(diagnostic)
    report.stop_if_errors()
    return found


def _machine_options(name: str | None) -> dict[str, Any]:
    """Return what a machine decides of the options of a link."""
    from dojo_tools.description import load_machine
    from dojo_tools.linker import Grid
    from dojo_tools.machine.blocks import unusable_nodes

    if name is None:
        return {}
    machine = load_machine(name)
    dead = machine.grid.dead
    unusable = unusable_nodes(machine.grid)
    grid = Grid(machine.grid.width, machine.grid.height, dead, unusable - dead)
    return {"memory_size": machine.sram_bytes, "grid": grid}
