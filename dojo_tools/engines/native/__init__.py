"""The native engine: descriptions translated to the host's code by LLVM."""

from dojo_tools.engines.native.thread import NativeThread

__all__ = ["NativeThread"]
