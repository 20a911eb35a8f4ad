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
from dojo_tools.diagnostics import ExitCode


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
    warnings_are_errors: Annotated[
        bool, typer.Option("-Werror", help="End with exit code 3 if there are warnings.")
    ] = False,
    no_warnings: Annotated[bool, typer.Option("--no-warn", help="Show no warnings.")] = False,
    version: Version = False,
) -> ExitCode:
    """Assemble sources, one after another as one text, into one ELF object.

    Exit codes: 0 done, 2 usage, 3 mistakes in a source or description, 74 input or output failed.
    """
    target = _output_path(sources, output)
    defines = _read_defines(define or [])

    from dojo_tools import assembler
    from dojo_tools.objects import encode_object

    description = load(isa)
    texts = [read_input(path) for path in sources]
    assembly = assembler.assemble(texts, description, include or (), defines)
    if warnings_are_errors or not no_warnings:
        show(assembly.warnings)
    if warnings_are_errors and assembly.warnings:
        return ExitCode.INPUT
    write_output(target, encode_object(assembly.object))
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


def _read_defines(texts: list[str]) -> dict[str, int]:
    defines: dict[str, int] = {}
    for text in texts:
        name, _, value = text.partition("=")
        try:
            number = int(value or "1", 0)
        except ValueError:
            raise typer.BadParameter(f"-D {text}: `{value}` is not an integer") from None
        if not name.isascii() or not name.replace(".", "_").replace("$", "_").isidentifier():
            raise typer.BadParameter(f"-D {text}: `{name}` is not a name")
        defines[name] = number
    return defines
