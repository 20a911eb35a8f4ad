"""The speed of the native engine, against C on the host and on QEMU, and numpy's matrix product.

Every ratio is of medians taken in one run, in turn. Rates are in guest instructions or, for C, in
what the guest takes for the same work.
"""

import ctypes
from collections.abc import Callable

from bench_startup import command
from figures import Figure, median_seconds
from native_runs import Kernel, compiled_loops, cross_compiled_mix, sgemm

ROUNDS = {
    "integer_mix": 40_000_000,
    "calls": 30_000_000,
    "indirect": 10_000_000,
    "sieve": 150,
    "gemm_bf16": 50,
    "gemm_f32": 25,
}
SIEVE_LIMIT = 1 << 17
MIX_WORDS = 2048
UNIT = "M instr/s"


def _against(name: str, other: str, call: Callable[[], object]) -> list[Figure]:
    """Compare a kernel, timed, with the same work on the host."""
    rounds = ROUNDS[name]
    kernel = Kernel(name)
    instructions, _ = kernel.run(rounds)
    seconds = median_seconds({"guest": kernel.call(rounds), "host": call}, 5)
    rates = {case: instructions / taken / 1e6 for case, taken in seconds.items()}
    return [Figure(f"native, {name}", rates["guest"], UNIT, other, rates["host"])]


def bench_integer_mix() -> list[Figure]:
    """Compare a loop of loads, stores and arithmetic with gcc -O2."""
    loop = compiled_loops().integer_mix
    loop.argtypes = [ctypes.c_uint64, ctypes.c_void_p]
    buffer = (ctypes.c_uint64 * MIX_WORDS)()
    return _against("integer_mix", "gcc -O2", lambda: loop(ROUNDS["integer_mix"], buffer))


def bench_calls() -> list[Figure]:
    """Compare a loop of calls with gcc -O2."""
    loop = compiled_loops().calls
    loop.argtypes = [ctypes.c_uint64]
    return _against("calls", "gcc -O2", lambda: loop(ROUNDS["calls"]))


def bench_indirect() -> list[Figure]:
    """Compare a loop of jumps through a table with gcc -O2."""
    loop = compiled_loops().indirect
    loop.argtypes = [ctypes.c_uint64]
    return _against("indirect", "gcc -O2", lambda: loop(ROUNDS["indirect"]))


def bench_sieve() -> list[Figure]:
    """Compare a sieve with gcc -O2."""
    loop = compiled_loops().sieve
    loop.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_uint64]
    flags = (ctypes.c_uint8 * SIEVE_LIMIT)()
    return _against("sieve", "gcc -O2", lambda: loop(ROUNDS["sieve"], flags, SIEVE_LIMIT))


def bench_qemu_aarch64() -> list[Figure]:
    """Compare the integer mix with the same in C on QEMU."""
    return _against_qemu("aarch64")


def bench_qemu_riscv64() -> list[Figure]:
    """Compare the integer mix with the same in C on QEMU."""
    return _against_qemu("riscv64")


def _against_qemu(machine: str) -> list[Figure]:
    rounds = ROUNDS["integer_mix"]
    with cross_compiled_mix(machine) as program:
        call = command(f"qemu-{machine}", str(program), str(rounds))
        return _against("integer_mix", f"qemu-{machine}, gcc -O2", call)


def bench_timing() -> list[Figure]:
    """Compare every kernel with timing to the same without."""
    figures: list[Figure] = []
    for name, rounds in ROUNDS.items():
        timed, functional = Kernel(name), Kernel(name, timing=False)
        instructions, _ = timed.run(rounds)
        seconds = median_seconds({"on": timed.call(rounds), "off": functional.call(rounds)}, 5)
        on, off = (instructions / seconds[case] / 1e6 for case in ("on", "off"))
        figures.append(Figure(f"native timed, {name}", on, UNIT, "timing off", off))
    return figures


def bench_gemm() -> list[Figure]:
    """Compare matrix products with numpy's, and their cycles with the peak of the unit."""
    return [
        *_gemm("gemm_bf16", (256, 512, 256), 512),
        *_gemm("gemm_f32", (256, 256, 256), 32),
    ]


def _gemm(name: str, sizes: tuple[int, int, int], peak: int) -> list[Figure]:
    m, k, n = sizes
    flops, rounds = 2 * m * k * n, ROUNDS[name]
    kernel, product = Kernel(name), sgemm(m, k, n)
    _, cycles = kernel.run(rounds)

    def host() -> None:
        for _ in range(rounds):
            product()

    seconds = median_seconds({"guest": kernel.call(rounds), "host": host}, 5)
    rates = {case: flops * rounds / taken / 1e9 for case, taken in seconds.items()}
    reached = flops * rounds / cycles
    other = f"numpy sgemm {m}x{k}x{n}, one thread"
    return [
        Figure(f"native, {name}", rates["guest"], "GFLOP/s", other, rates["host"]),
        Figure(f"model, {name}", reached, "FLOP/cyc", "peak", peak),
    ]


def bench_engines() -> list[Figure]:
    """Compare the reference engine and lockstep with the native engine."""
    name, rounds = "integer_mix", 5_000
    native = Kernel(name)
    many, _ = native.run(ROUNDS[name])
    slow = {engine: Kernel(name, engine=engine) for engine in ("reference", "both")}
    few, _ = slow["reference"].run(rounds)
    cases = {engine: kernel.call(rounds) for engine, kernel in slow.items()}
    seconds = median_seconds({**cases, "native": native.call(ROUNDS[name])}, 3)
    rate = many / seconds["native"] / 1e6
    return [
        Figure(f"{engine}, {name}", few / seconds[engine] / 1e6, UNIT, "native", rate)
        for engine in slow
    ]
