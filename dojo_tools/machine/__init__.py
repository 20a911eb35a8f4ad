"""A machine that runs images, and the host's view of it: registers, memory, tensors, traces."""

from dojo_tools.machine.machine import Change, Machine, RunResult, TraceEntry
from dojo_tools.machine.program import load_program
from dojo_tools.machine.tensors import count_beyond, decode_elements, encode_elements

__all__ = [
    "Change",
    "Machine",
    "RunResult",
    "TraceEntry",
    "count_beyond",
    "decode_elements",
    "encode_elements",
    "load_program",
]
