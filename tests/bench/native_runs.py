"""Kernels of `kernels/` on the engines, and what they are compared with on the host."""

import ctypes
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import Source
from dojo_tools.engines.stop import StopReason
from dojo_tools.linker import link
from dojo_tools.machine import Machine
from figures import Unavailable

KERNELS = Path(__file__).parent / "kernels"
ROUNDS = "s11"
"""The register that says how often a kernel repeats its work before it halts."""


class Kernel:
    """A kernel on a machine; it can be run again and again, its code translated already."""

    def __init__(self, name: str, *, timing: bool = True, engine: str = "native") -> None:
        description = load_description()
        source = Source(f"{name}.s", (KERNELS / f"{name}.s").read_text())
        image = link([assemble(source, description).object], description.relocations)
        self.machine = Machine(image, description, timing=timing, engine=engine)

    def run(self, rounds: int) -> tuple[int, int]:
        """Run so many rounds; return the instructions and cycles they took."""
        before = self.machine.run(0)
        self.machine.write_register(ROUNDS, rounds)
        after = self.machine.run(1 << 62)
        assert after.stop.reason is StopReason.HALT
        return after.retired - before.retired, after.cycles - before.cycles

    def call(self, rounds: int) -> Callable[[], object]:
        """Return a call that runs so many rounds, after one that has made the code hot."""
        self.run(rounds)
        return lambda: self.run(rounds)


def compiled_loops() -> ctypes.CDLL:
    """Return the C loops, compiled with gcc -O2."""
    gcc = shutil.which("gcc")
    if gcc is None:
        raise Unavailable("gcc is not installed")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "loops.so"
        source = str(KERNELS / "loops.c")
        subprocess.run([gcc, "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
        return ctypes.CDLL(str(library))


@contextmanager
def cross_compiled_mix(machine: str) -> Generator[Path]:
    """Yield the integer mix as a program of another machine, compiled with gcc -O2."""
    gcc = shutil.which(f"{machine}-linux-gnu-gcc")
    if gcc is None or shutil.which(f"qemu-{machine}") is None:
        raise Unavailable(f"qemu-{machine} or gcc for {machine} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "integer_mix"
        source = str(KERNELS / "integer_mix_main.c")
        subprocess.run([gcc, "-O2", "-static", "-o", program, source], check=True)
        yield program


_BARE_METAL = ("-ffreestanding", "-mcmodel=medany", "-fno-pic", "-no-pie", "-nostdlib", "-static")
_PLACES = "-Wl,--gc-sections,--build-id=none,--section-start=.first=0x80000000,-Ttext=0x80001000"
_EMULATOR = "qemu-system-riscv64"
_VIRT = "-machine virt -smp {} -m 256M -bios none -nographic -monitor none -serial none".split()
HARTS = 354
"""Harts on which QEMU runs the integer mix: as many as a die has nodes."""


@contextmanager
def mix_on_harts(rounds: int) -> Generator[Callable[[], float]]:
    """Yield a call that runs the integer mix on each hart of a machine of QEMU's.

    It returns the processor time that the emulator took, its start included.
    """
    gcc, emulator = shutil.which("riscv64-linux-gnu-gcc"), shutil.which(_EMULATOR)
    if gcc is None or emulator is None:
        raise Unavailable(f"{_EMULATOR} or gcc for riscv64 is not installed")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "integer_mix_harts"
        source = str(KERNELS / "integer_mix_harts.c")
        defined = f"-DROUNDS={rounds}", f"-DHARTS={HARTS}"
        options = ("-O2", "-ffunction-sections", "-fno-stack-protector", *_BARE_METAL, _PLACES)
        subprocess.run([gcc, *options, *defined, "-o", program, source], check=True)
        machine = [word.format(HARTS) for word in _VIRT]
        line = [emulator, *machine, "-accel", "tcg,thread=multi", "-kernel", str(program)]

        def run() -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(line, check=True, timeout=300)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

        yield run


def sgemm(m: int, k: int, n: int) -> Callable[[], None]:
    """Return a call that multiplies float32 matrices; threads are limited by the environment."""
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    c = np.empty((m, n), np.float32)

    def run() -> None:
        np.matmul(a, b, out=c)

    return run
