"""`dojo-objdump`: the code and the tables of objects and images, and the description explained."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from dojo_tools.cli.common import STANDARD_STREAM, IsaFiles, Version, application, load
from dojo_tools.diagnostics import ExitCode


def inspect(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An object or image; `-` is stdin."),
    ] = None,
    disassemble: Annotated[
        bool,
        typer.Option(
            "-d",
            "--disassemble",
            help="Print the code as a source that assembles to it; so without any option.",
        ),
    ] = False,
    sections: Annotated[bool, typer.Option("--sections", help="Print the sections.")] = False,
    symbols: Annotated[bool, typer.Option("-t", "--symbols", help="Print the symbols.")] = False,
    relocations: Annotated[
        bool, typer.Option("-r", "--relocations", help="Print the relocations.")
    ] = False,
    contents: Annotated[
        bool, typer.Option("-s", "--contents", help="Print the bytes of every section.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="MNEMONIC|WORD",
            help="Print what an instruction is and does; a word is 0x and hexadecimal digits.",
        ),
    ] = None,
    isa: IsaFiles = None,
    version: Version = False,
) -> ExitCode:
    """Show what an object or image holds, or explain an instruction.

    Exit codes: 0 done, 2 usage, 3 unreadable file, wrong description or unknown mnemonic,
    74 input or output failed.
    """
    if file is None and explain is None:
        raise typer.BadParameter("a FILE or `--explain MNEMONIC|WORD` is needed")

    description = load(isa)
    if explain is not None:
        from dojo_tools import manual

        print(manual.explain(explain, description))
    if file is None:
        return ExitCode.DONE

    from dojo_tools import disassembler
    from dojo_tools.objects import read_elf

    is_stream = file == STANDARD_STREAM
    encoded = sys.stdin.buffer.read() if is_stream else file.read_bytes()
    found = read_elf(encoded, "<stdin>" if is_stream else str(file))
    parts = [
        (sections, lambda: disassembler.list_sections(found)),
        (symbols, lambda: disassembler.list_symbols(found)),
        (relocations, lambda: disassembler.list_relocations(found, description)),
        (contents, lambda: disassembler.list_contents(found)),
    ]
    if disassemble or not (explain or any(wanted for wanted, _ in parts)):
        parts.append((True, lambda: disassembler.list_code(found, description)))
    chosen = [make for wanted, make in parts if wanted]
    for index, make in enumerate(chosen):
        if index:
            print()
        for line in make():
            print(line)
    return ExitCode.DONE


def main() -> None:
    """Run the command."""
    application(inspect)()
