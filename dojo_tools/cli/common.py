"""What all commands share: how they start, show diagnostics, and end.

Nothing slow is imported at the top of a command's module, so that `--help` answers at once.
"""

import contextvars
import errno
import functools
import gc
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from dojo_tools import __version__
from dojo_tools.cli.interrupts import interrupts_raised
from dojo_tools.cli.messages import Channel, FileOption, Format, FormatOption, show_os_error
from dojo_tools.diagnostics import (
    Diagnostic,
    Event,
    ExitCode,
    InputError,
    Severity,
    Source,
    decode_source,
    read_source,
)
from dojo_tools.source_text import SOURCE_SIZE_MAX

if TYPE_CHECKING:
    from dojo_tools.description import Description

P = ParamSpec("P")

STANDARD_STREAM = Path("-")
"""As a file name: standard input or output."""

GARBAGE_THRESHOLD = 1_000_000
"""Cycles are looked for after so many new objects; Python's 700 costs a quarter of the time."""

_channel: contextvars.ContextVar[Channel] = contextvars.ContextVar("channel")
"""Where the command that runs shows its diagnostics; `application` sets it."""


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

    It gets the options that say what messages are written as. `InputError`, `OSError`, Ctrl-C and
    our own mistakes become messages and exit codes.
    """
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(help_options)},
    )

    @functools.wraps(work)
    def command(*args: Any, diagnostics: Format, diagnostics_file: Path | None, **kwargs: Any):
        # Sources become millions of small objects that live to the end and form no cycles.
        gc.set_threshold(GARBAGE_THRESHOLD)
        channel = Channel(diagnostics, diagnostics_file)
        _channel.set(channel)
        code = _guard(functools.partial(work, *args, **kwargs), channel)
        raise typer.Exit(_finish(channel, code))

    command.__dict__["__signature__"] = _with_message_options(inspect.signature(work))
    app.command()(command)
    return app


def _with_message_options(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature with the options of messages before its last parameter."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    *before, last = signature.parameters.values()
    added = [
        inspect.Parameter("diagnostics", kind, default=Format.TEXT, annotation=FormatOption),
        inspect.Parameter("diagnostics_file", kind, default=None, annotation=FileOption),
    ]
    return signature.replace(parameters=[*before, *added, last])


def load(isa_files: Sequence[Path] | None) -> "Description":
    """Return the description with a user's additions."""
    from dojo_tools.description import load_description

    return load_description(isa_files or ())


def read_input(path: Path) -> Source:
    """Return a source from a file, or from standard input for `-`."""
    if path == STANDARD_STREAM:
        return decode_source(sys.stdin.buffer.read(SOURCE_SIZE_MAX + 1), "<stdin>")
    return read_source(path)


def write_output(path: Path, contents: bytes) -> None:
    """Write a file whole or not at all, or to standard output for `-`."""
    from dojo_tools.objects import write_atomically

    if path == STANDARD_STREAM:
        sys.stdout.buffer.write(contents)
        sys.stdout.buffer.flush()
    else:
        write_atomically(path, contents)


def check_output(path: Path) -> None:
    """Raise the `OSError` that writing a file would end with, before any work is done for it."""
    if path == STANDARD_STREAM:
        return
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Show diagnostics in the way that the user asked for."""
    _channel.get().show(diagnostics)


def is_shown_at_once() -> bool:
    """Return whether diagnostics are shown as text on standard error."""
    return _channel.get().is_shown_at_once


def messages_file() -> Path | None:
    """Return the file that diagnostics go to, None if it is standard error."""
    return _channel.get().file


def _guard(work: Callable[[], ExitCode], channel: Channel) -> ExitCode:
    try:
        with interrupts_raised():
            return work()
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except InputError as error:
        channel.show(error.diagnostics, error.omitted_count)
        return ExitCode.INPUT
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not complain about it when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.IO
    except OSError as error:
        show_os_error(channel, error)
        return ExitCode.IO
    except KeyboardInterrupt:
        event = Event(exit_code=ExitCode.INTERRUPTED)
        channel.show([Diagnostic(Severity.ERROR, "interrupted", name="interrupted", event=event)])
        return ExitCode.INTERRUPTED
    except MemoryError:
        channel.show([Diagnostic(Severity.ERROR, "this input needs more memory than there is")])
        return ExitCode.INPUT
    except Exception as error:
        if os.environ.get("DOJO_TRACEBACK"):
            traceback.print_exc()
        hint = (
            "this is a mistake in the tools, not in your input: please report it with what you "
            "ran; DOJO_TRACEBACK=1 shows where it happened"
        )
        message = f"internal error: {type(error).__name__}: {error}"
        channel.show([Diagnostic(Severity.ERROR, message, hint=hint)])
        return ExitCode.INTERNAL


def _finish(channel: Channel, code: ExitCode) -> ExitCode:
    """Write the messages that have waited; return how the command ends."""
    try:
        channel.finish(code)
    except OSError as error:
        show_os_error(Channel(), error)
        return ExitCode.IO
    return code
