"""Turns IR into functions in this process, by LLVM's LLJIT."""

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dojo_tools.description.parse_cache import cache_folder
from dojo_tools.engines.native.object_cache import ObjectCache

LEVELS = {"quick": 0, "good": 2}

_OPTIONS = (
    "-capture-tracking-max-uses-to-explore=3000",
    "-licm-mssa-max-acc-promotion=100000",
    "-disable-lsr",
    "-align-loops=32",
)
"""By default LLVM gives up keeping guest registers in host registers where a region has many uses
of the state. Its loop strength reduction then expresses counters by each other, which costs more
than it saves. Loops run faster, and more evenly, if they begin on a multiple of 32 bytes."""


class Compiler:
    """Compiles modules; what it has linked stays in memory until it is forgotten."""

    def __init__(self) -> None:
        import llvmlite  # pyright: ignore[reportMissingTypeStubs]  it has none
        import llvmlite.binding as llvm  # pyright: ignore[reportMissingTypeStubs]  it has none

        self._llvm: Any = llvm
        for option in _OPTIONS:
            self._llvm.set_option("", option)
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.cpu: str = llvm.get_host_cpu_name()
        self.features: str = llvm.get_host_cpu_features().flatten()
        self._machines: dict[str, Any] = {}
        self._jit: Any = self._llvm.create_lljit_compiler(self._machine("good"))
        self._names = itertools.count()
        self._libraries: dict[int, Any] = {}
        version: str = llvmlite.__version__
        llvm_version = ".".join(map(str, self._llvm.llvm_version_info))
        triple: str = self._llvm.get_default_triple()
        self.is_x86 = triple.startswith("x86_64")
        passes = Path(__file__).read_text(encoding="utf-8")  # how this module uses LLVM
        host = "\n".join((version, llvm_version, triple, self.cpu, self.features, passes))
        self.cache: ObjectCache | None = ObjectCache(cache_folder() / "native", host)

    def compile(self, text: str, function: str, level: str) -> int:
        """Return the address of a function of a module."""
        return self.link(self.object_of(text, level), function)

    def object_of(self, text: str, level: str) -> bytes:
        """Return the object code of a module, optimised as the level says, kept on disk."""
        if self.cache is None:
            return self.emit(text, level)
        held = self.cache.load(text, level)
        if held is None:
            held = self.emit(text, level)
            self.cache.save(text, level, held)
        return held

    def keep_nothing(self) -> None:
        """Use no disk from now on: for code that nobody will run again."""
        self.cache = None

    def emit(self, text: str, level: str) -> bytes:
        """Return the object code of a module, made now."""
        llvm = self._llvm
        module = llvm.parse_assembly(text)
        machine = self._machine(level)
        if LEVELS[level]:
            options = llvm.create_pipeline_tuning_options(speed_level=LEVELS[level])
            options.loop_vectorization = False
            options.slp_vectorization = False
            builder = llvm.create_pass_builder(machine, options)
            builder.getModulePassManager().run(module, builder)
        return machine.emit_object(module)

    def link(self, code: bytes, function: str) -> int:
        """Return the address of a function of an object, loaded into this process."""
        return self.link_all(code, [function])[function]

    def link_all(self, code: bytes, functions: Sequence[str]) -> dict[str, int]:
        """Return the addresses of some functions of one object, loaded into this process.

        The object may need what this process has itself, such as `memcpy`.
        """
        builder = self._llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
        for function in functions:
            builder = builder.export_symbol(function)
        library = builder.link(self._jit, f"{functions[0]}.{next(self._names)}")
        addresses = {function: int(library[function]) for function in functions}
        self._libraries[addresses[functions[0]]] = library
        return addresses

    def _machine(self, level: str) -> Any:
        if level not in self._machines:
            target = self._llvm.Target.from_default_triple()
            self._machines[level] = target.create_target_machine(
                cpu=self.cpu, features=self.features, opt=LEVELS[level], reloc="pic", jit=True
            )
        return self._machines[level]


@functools.cache
def compiler() -> Compiler:
    """Return the compiler of this process."""
    return Compiler()
