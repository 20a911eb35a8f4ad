"""The native engine: descriptions translated to the host's code by LLVM."""

from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.thread import NativeThread
from dojo_tools.engines.native.translations import Translator

__all__ = ["NativeThread", "Target", "Translator"]
