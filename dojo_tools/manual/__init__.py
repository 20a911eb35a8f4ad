"""The machine's description as pages for people: the opcode map, and entries explained."""

from dojo_tools.manual.explain import explain
from dojo_tools.manual.opcode_map import opcode_map

__all__ = ["explain", "opcode_map"]
