"""`dojo-objdump`: the code and the tables of objects and images, and the description explained."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dojo_tools.cli.common import STANDARD_STREAM, IsaFiles, Version, application, load
from dojo_tools.diagnostics import ExitCode, did_you_mean, fail, printable

if TYPE_CHECKING:
    from dojo_tools.description import Description
    from dojo_tools.objects import Image, ObjectFile

_ALL_HEADERS = ("sections", "segments", "programs", "symbols", "relocations")


def _address(text: str | None, default: int) -> int:
    try:
        return default if text is None else int(text, 0)
    except ValueError:
        raise typer.BadParameter(
            f"`{printable(text or '')}` is not an address such as 0x140"
        ) from None


def inspect(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="An object, image or archive; `-` is stdin."),
    ] = None,
    disassemble: Annotated[
        bool,
        typer.Option(
            "-d",
            "--disassemble",
            help="Print the code as a source that assembles to it; so without any option.",
        ),
    ] = False,
    source: Annotated[
        bool, typer.Option("-S", "--source", help="Print the code with its source lines.")
    ] = False,
    line_numbers: Annotated[
        bool, typer.Option("-l", "--line-numbers", help="Print the code with file, line, column.")
    ] = False,
    sections: Annotated[bool, typer.Option("-h", "--sections", help="Print the sections.")] = False,
    segments: Annotated[
        bool, typer.Option("-p", "--segments", help="Print segments, entry and programs.")
    ] = False,
    programs: Annotated[
        bool, typer.Option("--programs", help="Draw which program runs on which node.")
    ] = False,
    symbols: Annotated[bool, typer.Option("-t", "--symbols", help="Print the symbols.")] = False,
    relocations: Annotated[
        bool, typer.Option("-r", "--relocations", help="Print the relocations.")
    ] = False,
    contents: Annotated[
        bool, typer.Option("-s", "--contents", help="Print the bytes of every section.")
    ] = False,
    tensors: Annotated[
        bool, typer.Option("--tensors", help="Print the values of tensors in their types.")
    ] = False,
    show_as: Annotated[
        list[str] | None,
        typer.Option(
            "--show-as",
            metavar="SYMBOL=TYPE",
            help="As `--tensors`, a symbol's bytes as values of another element type.",
        ),
    ] = None,
    all_headers: Annotated[
        bool, typer.Option("-x", "--all-headers", help="As -h -p --programs -t -r.")
    ] = False,
    section: Annotated[
        list[str] | None,
        typer.Option("-j", "--section", metavar="NAME", help="Only this section; repeatable."),
    ] = None,
    start_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Code from here on.")
    ] = None,
    stop_address: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Code before this address.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what is asked for as one JSON document.")
    ] = False,
    limits: Annotated[
        bool, typer.Option("--limits", help="Print the limits on what is read and shown.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|WORD",
            help="Print what an instruction, a register, a number format or an idea such as "
            "`rounding` is, and how well founded; a word is 0x and hexadecimal digits.",
        ),
    ] = None,
    isa: IsaFiles = None,
    version: Version = False,
) -> ExitCode:
    """Show what an object, image or archive holds, or explain an instruction.

    Exit codes: 0 done, 2 usage, 3 unreadable file, wrong description or unknown name,
    74 input or output failed.
    """
    if limits:
        from dojo_tools.disassembler import list_limits

        _print(list_limits())
        return ExitCode.DONE
    if file is None and explain is None:
        raise typer.BadParameter("a FILE or `--explain NAME|WORD` is needed")

    description = load(isa)
    if explain is not None:
        from dojo_tools import manual

        print(manual.explain(explain, description))
    if file is None:
        return ExitCode.DONE

    wanted = {
        "sections": sections,
        "segments": segments,
        "programs": programs,
        "symbols": symbols,
        "relocations": relocations,
        "contents": contents,
        "tensors": tensors or bool(show_as),
        "lines": line_numbers,
        "code": disassemble or source or line_numbers,
    }
    parts = [name for name, asked in wanted.items() if asked]
    parts += [name for name in _ALL_HEADERS if all_headers and name not in parts]
    if not parts and not explain:
        parts = ["code"]
    elements = _elements(show_as or [])
    addresses = range(_address(start_address, 0), _address(stop_address, 1 << 64))
    files = [_only(found, section or ()) for found in _read(file)]
    if as_json:
        _print_json(files, parts, description, elements)
        return ExitCode.DONE
    folders = [Path(), file.parent] if source else []
    for index, found in enumerate(files):
        if len(files) > 1 or found.name != _name_of(file):
            print(f"{chr(10) * (index > 0)}{printable(found.name)}:\n")
        _print_parts(found, parts, folders, line_numbers, addresses, description, elements)
    return ExitCode.DONE


def _elements(texts: Sequence[str]) -> dict[str, str]:
    """Return the element type that was chosen for each symbol."""
    chosen: dict[str, str] = {}
    for text in texts:
        symbol, _, element = text.partition("=")
        if not symbol or not element:
            raise typer.BadParameter(f"--show-as: `{printable(text)}` is not SYMBOL=TYPE")
        chosen[symbol] = element
    return chosen


def _read(file: Path) -> "Iterator[ObjectFile | Image]":
    """Yield what a file is, or what the members of an archive are."""
    from dojo_tools.objects import is_archive, read_archive, read_elf

    encoded = sys.stdin.buffer.read() if file == STANDARD_STREAM else file.read_bytes()
    name = _name_of(file)
    if is_archive(encoded):
        for member in read_archive(encoded, name):
            yield read_elf(member.contents, f"{name}({member.name})")
    else:
        yield read_elf(encoded, name)


def _name_of(file: Path) -> str:
    return "<stdin>" if file == STANDARD_STREAM else str(file)


def _only(found: "ObjectFile | Image", names: Sequence[str]) -> "ObjectFile | Image":
    """Return a file with only the named sections, all where none is named."""
    from dataclasses import replace

    from dojo_tools.objects import ObjectFile

    if not names:
        return found
    known = [section.name for section in found.sections]
    for name in names:
        if name not in known:
            message = f"{printable(found.name)} has no section `{printable(name)}`"
            raise fail(message, hint=did_you_mean(name, map(printable, known)))
    sections = tuple(section for section in found.sections if section.name in names)
    if isinstance(found, ObjectFile):
        kept = tuple(entry for entry in found.relocations if entry.section in names)
        return replace(found, sections=sections, relocations=kept)
    return replace(found, sections=sections)


def _print_parts(
    found: "ObjectFile | Image",
    parts: Sequence[str],
    folders: Sequence[Path],
    line_numbers: bool,
    addresses: range,
    description: "Description",
    elements: Mapping[str, str],
) -> None:
    from dojo_tools import disassembler as show

    origins = None
    if folders or line_numbers:
        origins = show.Origins(found.lines, show.Sources(folders) if folders else None)
    makers = {
        "sections": lambda: show.list_sections(found),
        "segments": lambda: show.list_segments(found),
        "programs": lambda: show.list_placement(found),
        "symbols": lambda: show.list_symbols(found),
        "relocations": lambda: show.list_relocations(found, description),
        "contents": lambda: show.list_contents(found),
        "tensors": lambda: show.list_tensors(found, elements),
        "code": lambda: _coloured(show.list_code(found, description, origins, addresses)),
    }
    chosen = [make for name, make in makers.items() if name in parts]
    for index, make in enumerate(chosen):
        if index:
            print()
        _print(make())


def _print_json(
    files: "Sequence[ObjectFile | Image]",
    parts: Sequence[str],
    description: "Description",
    elements: Mapping[str, str],
) -> None:
    import json

    from dojo_tools.disassembler import document

    documents = [document(found, parts, description, elements) for found in files]
    # ASCII, so that no name can steer a terminal.
    print(json.dumps(documents[0] if len(documents) == 1 else {"members": documents}, indent=1))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


def _coloured(lines: Iterable[str]) -> Iterable[str]:
    """Return lines of code with colours where standard output is a terminal that wants them."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return lines
    return map(_colour_code, lines)


def _colour_code(line: str) -> str:
    code, mark, comment = line.partition(";")
    if code and not code[0].isspace():
        code = f"\x1b[33m{code}\x1b[0m"
    return f"{code}\x1b[2m{mark}{comment}\x1b[0m" if mark else code


def command() -> typer.Typer:
    """Return the application; `-h` prints sections, as other tools of this name do."""
    return application(inspect, help_options=("--help",))


def main() -> None:
    """Run the command."""
    command()()
