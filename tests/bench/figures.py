"""How a figure is measured and what it is set against.

A single number says little on a machine that does other things as well, so every figure is a
median, and what it is compared with is measured in the same run, turn and turn about.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and the value of the same unit that it is compared with."""

    name: str
    value: float
    unit: str
    compared_with: str
    reference: float

    @property
    def ratio(self) -> float:
        """The value in units of what it is compared with."""
        return self.value / self.reference


class Unavailable(Exception):
    """What a bench needs is not there yet; the message says what."""


def median_seconds(cases: Mapping[str, Callable[[], object]], rounds: int = 11) -> dict[str, float]:
    """Return the median time of each case; each is called once unmeasured, then in turn."""
    for call in cases.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, call in cases.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}
