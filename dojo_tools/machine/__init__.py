"""A machine that runs images, and the host's view of it: registers, memory, tensors, traces."""

from dojo_tools.machine.machine import Change, Machine, RunResult, TraceEntry
from dojo_tools.machine.program import load_program
from dojo_tools.machine.tensors import count_beyond, decode_elements, encode_elements
from dojo_tools.machine.threads import ENGINES, bare_threads

__all__ = [
    "ENGINES",
    "Change",
    "Machine",
    "RunResult",
    "TraceEntry",
    "bare_threads",
    "count_beyond",
    "decode_elements",
    "encode_elements",
    "load_program",
]
