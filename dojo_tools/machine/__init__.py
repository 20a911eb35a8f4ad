"""A machine that runs images, and the host's view of it: registers, memory, tensors, traces."""

from typing import TYPE_CHECKING

from dojo_tools.late_names import late_names

if TYPE_CHECKING:
    from dojo_tools.machine.machine import Machine, RunResult
    from dojo_tools.machine.program import load_program
    from dojo_tools.machine.tensors import count_beyond, decode_elements, encode_elements
    from dojo_tools.machine.threads import ENGINES, bare_threads
    from dojo_tools.machine.tracing import Change, LastInstructions, TraceEntry

_PLACES = {
    "Change": "tracing",
    "LastInstructions": "tracing",
    "Machine": "machine",
    "RunResult": "machine",
    "TraceEntry": "tracing",
    "load_program": "program",
    "count_beyond": "tensors",
    "decode_elements": "tensors",
    "encode_elements": "tensors",
    "ENGINES": "threads",
    "bare_threads": "threads",
}

__all__ = [
    "ENGINES",
    "Change",
    "LastInstructions",
    "Machine",
    "RunResult",
    "TraceEntry",
    "bare_threads",
    "count_beyond",
    "decode_elements",
    "encode_elements",
    "load_program",
]

__getattr__ = late_names(__name__, _PLACES)
