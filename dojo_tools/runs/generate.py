"""Tensors made up from a seed: numpy's own generator, PCG64.

What a check compares with is computed from the numbers as the machine holds them, so a run does not
depend on these being the same in every version of numpy.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.runs.model import Generate, Number

KINDS: Mapping[str, Mapping[str, Number | None]] = MappingProxyType(
    {
        "normal": {"seed": 0, "mean": 0.0, "deviation": 1.0},
        "uniform": {"seed": 0, "low": 0.0, "high": 1.0},
        "integers": {"seed": 0, "low": None, "high": None},
        "arange": {"low": 0},
        "zeros": {},
    }
)
"""Every kind, and the settings it uses with their defaults; None is for one that must be given."""


def generate_values(generate: Generate, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return float64 or int64 values of a shape; every setting of the kind must be set."""
    random = np.random.Generator(np.random.PCG64(generate.seed))
    low, high = generate.low, generate.high
    match generate.kind:
        case "normal":
            assert generate.mean is not None
            assert generate.deviation is not None
            return float(generate.mean) + float(generate.deviation) * random.standard_normal(shape)
        case "uniform":
            assert low is not None
            assert high is not None
            return float(low) + (float(high) - float(low)) * random.random(shape)
        case "integers":
            assert isinstance(low, int)
            assert isinstance(high, int)
            return random.integers(low, high, shape, np.int64, endpoint=True)
        case "arange":
            assert isinstance(low, int)
            count = int(np.prod(shape, dtype=np.int64))
            return (low + np.arange(count, dtype=np.int64)).reshape(shape)
        case _:
            assert generate.kind == "zeros"
            return np.zeros(shape, np.int64)
