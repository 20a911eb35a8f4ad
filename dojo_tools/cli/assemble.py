"""`dojo-as`: assembly sources to an object."""

from pathlib import Path
from typing import Annotated

import typer

from dojo_tools.cli.common import (
    STANDARD_STREAM,
    IsaFiles,
    Version,
    application,
    load,
    read_input,
    show,
    write_output,
)
from dojo_tools.diagnostics import ExitCode, InputError, Severity


def _print_warnings(wanted: bool) -> None:
    if wanted:
        from dojo_tools.assembler.warnings import WARNINGS

        width = max(len(warning.name) for warning in WARNINGS)
        for warning in WARNINGS:
            state = "" if warning.is_on else " [off by default]"
            print(f"{warning.name:{width}}  {warning.sentence}{state}")
        raise typer.Exit


def _print_limits(wanted: bool) -> None:
    if wanted:
        from dojo_tools.assembler.limits import limits

        rows = limits()
        width = max(len(what) for what, _ in rows)
        for what, limit in rows:
            print(f"{what:{width}}  {limit}")
        raise typer.Exit


def assemble(
    sources: Annotated[
        list[Path], typer.Argument(metavar="SOURCE", help="Assembly sources; `-` is stdin.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="OBJECT",
            help="The object to write; `-` is stdout. [default: the one SOURCE with .o]",
        ),
    ] = None,
    include: Annotated[
        list[Path] | None,
        typer.Option("-I", metavar="FOLDER", help="Search here for included files."),
    ] = None,
    define: Annotated[
        list[str] | None,
        typer.Option("-D", metavar="NAME[=VALUE]", help="Assign a symbol (to 1)."),
    ] = None,
    isa: IsaFiles = None,
    warnings: Annotated[
        list[str] | None,
        typer.Option(
            "-W",
            metavar="WORD",
            help="NAME shows a warning, no-NAME does not, error=NAME makes it an error, "
            "error all that are shown; NAME may be `all`.",
        ),
    ] = None,
    no_warn: Annotated[
        list[str] | None, typer.Option("--no-warn", metavar="NAME", help="The same as -Wno-NAME.")
    ] = None,
    no_warnings: Annotated[bool, typer.Option("-w", help="Show no warnings.")] = False,
    list_warnings: Annotated[
        bool,
        typer.Option(
            "--warnings", callback=_print_warnings, is_eager=True, help="List the warnings and end."
        ),
    ] = False,
    limits: Annotated[
        bool,
        typer.Option(
            "--limits", callback=_print_limits, is_eager=True, help="List the limits and end."
        ),
    ] = False,
    listing: Annotated[
        Path | None,
        typer.Option("--listing", metavar="FILE", help="Write a listing; `-` is stdout."),
    ] = None,
    depfile: Annotated[
        Path | None,
        typer.Option("--depfile", metavar="FILE", help="Write a rule for make; `-` is stdout."),
    ] = None,
    version: Version = False,
) -> ExitCode:
    """Assemble sources, one after another as one text, into one ELF object.

    Exit codes: 0 done, 2 usage, 3 mistakes in a source or description, 74 input or output failed.
    """
    target = _output_path(sources, output)
    defines = _read_defines(define or [])
    _check_streams(target, listing, depfile)

    from dojo_tools import assembler
    from dojo_tools.assembler.dependencies import make_rule
    from dojo_tools.assembler.lint import lint
    from dojo_tools.assembler.listing import list_assembly
    from dojo_tools.assembler.warnings import read_warning_options
    from dojo_tools.objects import encode_object

    try:
        words = [*(warnings or ()), *(f"no-{name}" for name in no_warn or ())]
        options = read_warning_options(words, no_warnings)
    except InputError as error:
        message, hint = error.diagnostics[0].message, error.diagnostics[0].hint
        raise typer.BadParameter(f"{message}; {hint}") from None
    description = load(isa)
    texts = [read_input(path) for path in sources]
    try:
        assembly = assembler.assemble(texts, description, include or (), defines)
    except InputError as error:
        raise InputError(options.apply(error.diagnostics), error.omitted_count) from None
    made = assembly.object
    found = options.apply([*assembly.warnings, *lint(made, description, assembly.sources)])
    show(found)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in found):
        return ExitCode.INPUT
    outputs = [(target, encode_object(made))]
    if depfile is not None:
        files = [path for path in assembly.files if str(path) != "<stdin>"]
        outputs.append((depfile, make_rule(target, files).encode(errors="surrogateescape")))
    if listing is not None:
        lines = list_assembly(texts, assembly.sources, made, description)
        outputs.append((listing, "".join(f"{line}\n" for line in lines).encode()))
    for path, contents in outputs:
        write_output(path, contents)
    return ExitCode.DONE


def main() -> None:
    """Run the command."""
    application(assemble)()


def _output_path(sources: list[Path], output: Path | None) -> Path:
    """Return where to write; never over a source."""
    if output is None:
        if len(sources) != 1 or sources[0] == STANDARD_STREAM:
            raise typer.BadParameter("`-o OBJECT` is needed unless there is one SOURCE, a file")
        output = sources[0].with_suffix(".o")
    if output != STANDARD_STREAM and output.resolve() in [path.resolve() for path in sources]:
        raise typer.BadParameter(f"the object would overwrite the source {output}")
    return output


def _check_streams(*outputs: Path | None) -> None:
    if [*outputs].count(STANDARD_STREAM) > 1:
        raise typer.BadParameter("only one output can go to stdout")


def _read_defines(texts: list[str]) -> dict[str, int]:
    if not texts:
        return {}
    from dojo_tools.assembler import is_name

    defines: dict[str, int] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = int(value or "1", 0)
        except ValueError:
            raise typer.BadParameter(f"-D {text}: `{value}` is not an integer") from None
        if not is_name(name):
            raise typer.BadParameter(f"-D {text}: `{name}` is not a name")
        defines[name] = number
    return defines
