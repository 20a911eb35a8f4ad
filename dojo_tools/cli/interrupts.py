"""Ctrl-C: ends a command at once, but for the time in which its work can tell how far it came."""

import contextlib
import os
import signal
from collections.abc import Generator
from types import FrameType

INTERRUPTED = 130
"""The exit code after Ctrl-C, as `ExitCode` has it, which is not loaded yet."""


def end_when_interrupted() -> None:
    """Let Ctrl-C end the process at once, unless somebody has chosen otherwise."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End without what Python and others print of a `KeyboardInterrupt`."""
    os._exit(INTERRUPTED)


@contextlib.contextmanager
def interrupts_raised() -> Generator[None]:
    """Let Ctrl-C raise `KeyboardInterrupt` for a while, where the process would end at once."""
    if signal.getsignal(signal.SIGINT) is not _end:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, _end)
