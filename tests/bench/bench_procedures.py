"""The speed of procedures: a heap of events, as native code and as Python."""

from array import array
from pathlib import Path

from dojo_tools.description.procedures import check_procedures
from dojo_tools.diagnostics import read_source
from dojo_tools.engines.native.procedures import NativeProcedures, compile_native
from dojo_tools.engines.reference.procedures import compile_python
from figures import Figure, median_seconds

DEPTH = 500
NATIVE_COUNT = 1_000_000
PYTHON_COUNT = 5_000


def bench_heap() -> list[Figure]:
    """Measure millions of pairs of pop and push a second, at about 500 entries of 4 words."""
    procedures = check_procedures([read_source(Path(__file__).with_name("heap.isa"))])
    arrays = {"heap": array("q", [0] * 4 * (DEPTH + 1)), "state": array("q", [0] * 2)}
    addresses = {name: held.buffer_info()[0] for name, held in arrays.items()}
    functions = compile_native(procedures, "", ["run"])
    native = NativeProcedures(procedures, addresses, functions)
    python = compile_python(procedures, arrays, {})
    seconds = median_seconds(
        {
            "native": lambda: native.call("run", DEPTH, NATIVE_COUNT),
            "python": lambda: python["run"](DEPTH, PYTHON_COUNT),
        },
        rounds=5,
    )
    rate = NATIVE_COUNT / seconds["native"] / 1e6
    reference = PYTHON_COUNT / seconds["python"] / 1e6
    return [Figure("heap, pop and push", rate, "M/s", "the same as Python", reference)]
