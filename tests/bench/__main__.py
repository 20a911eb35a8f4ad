"""Run the benches and print one line a figure: `python tests/bench [WORD ...]`.

A bench is a function `bench_...` in a file `bench_*.py` of this folder that returns figures; words
select the benches whose name, file included, holds one of them.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

from figures import Figure, Unavailable

Bench = Callable[[], list[Figure]]

COLUMNS = "{:32} {:>12} {:8} {:>9}  {}"


def main(words: list[str]) -> None:
    """Run what the words select, everything without words."""
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # before numpy is loaded: one thread is compared with one
    print(COLUMNS.format("figure", "value", "unit", "ratio", "compared with"))
    for name, bench in benches():
        if words and not any(word in name for word in words):
            continue
        try:
            for figure in bench():
                print(line_of(figure), flush=True)
        except Unavailable as missing:
            print(f"{name}: skipped: {missing}")


def benches() -> Iterator[tuple[str, Bench]]:
    """Yield every bench of this folder and its name, such as `bench_startup.bench_help`."""
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        module = importlib.import_module(path.stem)
        for name, value in vars(module).items():
            if name.startswith("bench_") and callable(value):
                yield f"{path.stem}.{name}", cast(Bench, value)


def line_of(figure: Figure) -> str:
    """Return a figure as one line: name, value, unit, ratio, and what the ratio is to."""
    reference = f"{figure.compared_with}: {figure.reference:.4g} {figure.unit}"
    return COLUMNS.format(
        figure.name, f"{figure.value:.4g}", figure.unit, f"{figure.ratio:.3g} x", reference
    )


if __name__ == "__main__":
    main(sys.argv[1:])
