"""What all commands share: how they start, show diagnostics, and end.

Nothing slow is imported at the top of a command's module, so that `--help` answers at once.
"""

import functools
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from dojo_tools import __version__
from dojo_tools.diagnostics import (
    Diagnostic,
    ExitCode,
    InputError,
    Severity,
    Source,
    decode_source,
    printable,
    read_source,
    render,
)

if TYPE_CHECKING:
    from dojo_tools.description import Description

P = ParamSpec("P")

SHOWN_MAX = 100
STANDARD_STREAM = Path("-")
"""As a file name: standard input or output."""

_HEAD = re.compile(r"^(.*?)(error|warning|note)(: )")
_COLOURS = {"error": "1;31", "warning": "1;35", "note": "1;36"}


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"{Path(sys.argv[0]).name} {__version__}")
        raise typer.Exit


IsaFiles = Annotated[
    list[Path] | None,
    typer.Option("--isa", metavar="FILE", help="Add the instructions of a description file."),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_print_version, is_eager=True, help="Print the version and end."
    ),
]


def application(
    work: Callable[P, ExitCode], help_options: Sequence[str] = ("-h", "--help")
) -> typer.Typer:
    """Return the application of one command, whose function returns how it ended.

    `InputError`, `OSError`, Ctrl-C and our own mistakes become messages and exit codes.
    """
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(help_options)},
    )

    @functools.wraps(work)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        raise typer.Exit(_guard(functools.partial(work, *args, **kwargs)))

    app.command()(command)
    return app


def load(isa_files: Sequence[Path] | None) -> "Description":
    """Return the description with a user's additions."""
    from dojo_tools.description import load_description

    return load_description(isa_files or ())


def read_input(path: Path) -> Source:
    """Return a source from a file, or from standard input for `-`."""
    if path == STANDARD_STREAM:
        return decode_source(sys.stdin.buffer.read(), "<stdin>")
    return read_source(path)


def write_output(path: Path, contents: bytes) -> None:
    """Write a file whole or not at all, or to standard output for `-`."""
    from dojo_tools.objects import write_atomically

    if path == STANDARD_STREAM:
        sys.stdout.buffer.write(contents)
        sys.stdout.buffer.flush()
    else:
        write_atomically(path, contents)


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics to standard error: the first hundred of each severity, then a count."""
    coloured = use_colour()
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
        if counts[diagnostic.severity] <= SHOWN_MAX:
            text = render(diagnostic)
            print(_colour(text) if coloured else text, file=sys.stderr)
    for severity, count in counts.items():
        if count > SHOWN_MAX:
            print(f"and {count - SHOWN_MAX} more {severity.value}s", file=sys.stderr)


def use_colour() -> bool:
    """Whether standard error is a terminal whose user has not refused colour."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _guard(work: Callable[[], ExitCode]) -> ExitCode:
    try:
        return work()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except InputError as error:
        show(error.diagnostics)
        return ExitCode.INPUT
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not complain about it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.IO
    except OSError as error:
        where = f"{printable(str(error.filename))}: " if error.filename is not None else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return ExitCode.IO
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except Exception as error:
        if os.environ.get("DOJO_TRACEBACK"):
            traceback.print_exc()
        print(
            f"internal error: {type(error).__name__}: {error}\n"
            "This is a mistake in the tools, not in your input. Please report it with what you "
            "ran; DOJO_TRACEBACK=1 shows where it happened.",
            file=sys.stderr,
        )
        return ExitCode.INTERNAL


def _colour(text: str) -> str:
    lines: list[str] = []
    for line in text.split("\n"):
        head = _HEAD.match(line)
        if head and not line.startswith(" "):
            place, word, _ = head.groups()
            rest = line[head.end(2) :]
            line = f"\x1b[1m{place}\x1b[{_COLOURS[word]}m{word}\x1b[0m{rest}"
        elif line.strip() and not line.strip("^ \t"):
            line = f"\x1b[32m{line}\x1b[0m"
        lines.append(line)
    return "\n".join(lines)
