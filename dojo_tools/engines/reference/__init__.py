"""The reference engine: descriptions turned into plain Python over numpy, the oracle."""

from dojo_tools.engines.reference.examples import run_example
from dojo_tools.engines.reference.thread import Printed, ReferenceThread

__all__ = ["Printed", "ReferenceThread", "run_example"]
