"""The reference engine: descriptions turned into plain Python over numpy, the oracle."""

from dojo_tools.engines.reference.thread import ReferenceThread

__all__ = ["ReferenceThread"]
