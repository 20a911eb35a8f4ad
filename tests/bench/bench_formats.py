"""The speed of the number formats, against the casts of ml_dtypes and numpy where there are any.

Those casts know no bias, no printed denormals and no flags; they are there as a measure.
"""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from dojo_tools.formats import FORMATS, Rounding, decode, encode, random_lanes
from figures import Figure, median_seconds

COUNT = 1_000_000
ROUNDS = 5
ROUNDINGS: list[Rounding] = ["nearest", "stochastic"]

# The format, its bias, and the type of the cast.
CASES: list[tuple[str, int | None, Any]] = [
    ("cfloat8_1_4_3", 7, ml_dtypes.float8_e4m3),
    ("cfloat8_1_5_2", 15, ml_dtypes.float8_e5m2),
    ("shp", 15, np.float16),
    ("uhp", None, np.float16),
    ("bf16", None, ml_dtypes.bfloat16),
    ("f32", None, np.float32),
]


def bench_formats() -> list[Figure]:
    """Measure millions of elements a second, of normally distributed values."""
    values = np.random.default_rng(1).standard_normal(COUNT)
    return [
        figure for name, bias, other in CASES for figure in figures_of(name, bias, other, values)
    ]


def figures_of(name: str, bias: int | None, other: Any, values: Any) -> list[Figure]:
    """Measure a format: to f32 from float64, to the others from float32."""
    if not FORMATS[name].sign_width:
        values = np.abs(values)
    source = values if name == "f32" else values.astype(np.float32)
    codes = encode(source, name, bias)
    cast = source.astype(other)
    bits = random_lanes(1, COUNT)
    cases: dict[str, Callable[[], object]] = {
        "decode": lambda: decode(codes, name, bias),
        "nearest": lambda: encode(source, name, bias),
        "nearest, flags": lambda: encode(source, name, bias, return_flags=True),
        "stochastic, seed": lambda: encode(source, name, bias, "stochastic", seed=1),
        "stochastic, bits": lambda: encode(source, name, bias, "stochastic", random_bits=bits),
        "cast from": lambda: cast.astype(np.float32),
        "cast to": lambda: source.astype(other),
    }
    seconds = median_seconds(cases, ROUNDS)
    rates = {case: COUNT / 1e6 / measured for case, measured in seconds.items()}
    return [
        Figure(f"{name} {case}", rate, "M/s", f"cast, {other.__name__}", reference)
        for case, rate in rates.items()
        if not case.startswith("cast")
        for reference in [rates["cast from" if case == "decode" else "cast to"]]
    ]


def bench_philox() -> list[Figure]:
    """Measure millions of 32-bit random words a second, in blocks of the size of a conversion's."""
    generator = np.random.default_rng(1)
    seconds = median_seconds(
        {
            "philox": lambda: random_lanes(1, 1 << 14),
            "numpy": lambda: generator.integers(0, 1 << 32, 1 << 14, np.uint32),
        }
    )
    rates = {case: (1 << 14) / 1e6 / measured for case, measured in seconds.items()}
    return [Figure("philox", rates["philox"], "M/s", "numpy's PCG64", rates["numpy"])]
