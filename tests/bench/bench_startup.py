"""How long a command takes to say anything, against what Python and typer cost by themselves."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from figures import Figure, Unavailable, median_seconds

PYTHON = "python -c pass"
TYPER = "python -c 'import typer'"


def bench_help() -> list[Figure]:
    """Measure `dojo-as --help`, which every user meets first."""
    assembler = Path(sys.executable).with_name("dojo-as")
    seconds = median_seconds(
        {
            PYTHON: command(sys.executable, "-c", "pass"),
            TYPER: command(sys.executable, "-c", "import typer"),
            "dojo-as": command(str(assembler), "--help"),
        }
    )
    return [
        Figure("dojo-as --help", seconds["dojo-as"] * 1000, "ms", other, seconds[other] * 1000)
        for other in (PYTHON, TYPER)
    ]


def command(*words: str, environment: Mapping[str, str] | None = None) -> Callable[[], None]:
    """Return a call that runs a command, silent; it is unavailable if it does not end well."""

    def run() -> None:
        try:
            subprocess.run(words, check=True, capture_output=True, env=environment)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"{Path(words[0]).name} does not run: {error}") from error

    return run
