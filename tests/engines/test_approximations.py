"""How far the approximations lie from exact values, measured; and that they are monotone.

The exact values are those of Python's `decimal` with 130 digits, which share no code with the
engine. Computing them for millions of inputs would take hours, so numpy's float64 functions find
the inputs that need it: they are wrong by less than 1e-14 of the value, 2e-7 float32 ulp, hence the
largest error is among the inputs within 1e-6 ulp of the largest error that they show, and only
errors within 1e-6 ulp of a bound could pass it unseen. A test holds them to that promise.

An ulp is the distance between the numbers of the result's type at the exact value, at least its
least denormal number. Infinity counts as 2^128, so that overflow has an error too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import softfloatpy
from numpy.typing import NDArray

from dojo_tools import float_codes, floats
from dojo_tools.description import InstructionDef, load_description
from dojo_tools.engines.reference.generate import compile_instruction

DESCRIPTION = load_description()
PAGE = Path(__file__).parents[2] / "docs" / "approximations.md"
DIGITS = 130  # 1 - tanh of the least number needs 90 of them
NEAR = 1e-6
BLOCK = 1_000_000
Codes = NDArray[np.unsignedinteger]
Float64 = NDArray[np.float64]
TYPES = ("f32", "bf16")


@dataclass(frozen=True, slots=True)
class Function:
    """A function's quick and exact values, and the inputs where it is neither 0, 1 nor infinite."""

    quick: Callable[[Float64], Float64]
    exact: Callable[[Decimal], Decimal]
    low: float
    high: float


def power_of_e(x: Decimal) -> Decimal:
    """Return e^x; beyond 1000 its numbers mean nothing to a sum with 1."""
    return max(min(x, Decimal(1000)), Decimal(-1000)).exp()


def logistic(x: Decimal) -> Decimal:
    return 1 / (1 + power_of_e(-x))


FUNCTIONS = {
    "vrecip": Function(lambda x: 1 / x, lambda x: 1 / x, 1, 2),
    "vsqrt": Function(np.sqrt, lambda x: x.sqrt(), 1, 4),
    "vrsqrt": Function(lambda x: 1 / np.sqrt(x), lambda x: 1 / x.sqrt(), 1, 4),
    "vexp2": Function(np.exp2, lambda x: (x * Decimal(2).ln()).exp(), -150.5, 128.5),
    "vexp": Function(np.exp, lambda x: x.exp(), -104.5, 89.5),
    "vlog2": Function(np.log2, lambda x: x.ln() / Decimal(2).ln(), 0.5, 2),
    "vlog": Function(np.log, lambda x: x.ln(), 0.5, 2),
    "vtanh": Function(np.tanh, lambda x: 1 - 2 / (power_of_e(2 * x) + 1), -10, 10),
    "vsigmoid": Function(lambda x: 1 / (1 + np.exp(-x)), logistic, -104.5, 18),
}
INTEGRAL = {"vround": np.rint, "vfloor": np.floor, "vceil": np.ceil, "vtrunc": np.trunc}
EACH = pytest.mark.parametrize("name", FUNCTIONS)
EACH_TYPE = pytest.mark.parametrize("type_", TYPES)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Hold the context that the reference engine holds."""
    with floats.quiet():
        yield


# ---- the engine, on as many lanes as there are


def definition_of(name: str, type_: str) -> InstructionDef:
    (definition,) = DESCRIPTION.mnemonics[f"{name}.{type_}"]
    assert isinstance(definition, InstructionDef)
    return definition


@cache
def compiled(name: str, type_: str) -> tuple[Callable[..., int], dict[int, Any]]:
    """Return an instruction's generated function and the registers it works on.

    It computes lane by lane, so registers of shape (rows, lanes) pass through it row by row, as if
    the instruction ran once for each row.
    """
    registers: dict[int, Any] = {}
    state = {"v_file": registers, "m_file": [0] * 8}
    return compile_instruction(definition_of(name, type_), DESCRIPTION, state), registers


def results(name: str, type_: str, *sources: Codes) -> Codes:
    """Return the codes that an instruction makes of the codes of its sources."""
    execute, registers = compiled(name, type_)
    width = 32 if type_ == "f32" else 16
    lanes = 512 // width
    made: list[Codes] = []
    for start in range(0, len(sources[0]), 1 << 16):
        parts = [source[start : start + (1 << 16)] for source in sources]
        padded = [np.append(p, np.zeros(-len(p) % lanes, p.dtype)) for p in parts]
        file = [np.zeros_like(padded[0]), *padded]
        registers[width] = [register.reshape(-1, lanes) for register in file]
        execute(0, *range(len(file)), 0)
        made.append(registers[width][0].reshape(-1)[: len(parts[0])])
    return np.concatenate(made)


def test_rows_of_lanes_equal_single_registers() -> None:
    codes = inputs("vexp", "f32", 20_000, 5)[-320:]
    at_once = results("vexp", "f32", codes)
    one_by_one = [results("vexp", "f32", codes[k : k + 16]) for k in range(0, len(codes), 16)]
    assert np.array_equal(at_once, np.concatenate(one_by_one))


# ---- inputs and their values


def values_of(codes: Codes, type_: str) -> Float64:
    wide = codes.astype(np.uint32) << np.uint32(0 if type_ == "f32" else 16)
    return wide.view(np.float32).astype(np.float64)


def codes_of(values: Float64) -> Codes:
    return values.astype(np.float32).view(np.uint32)


EDGES = codes_of(
    np.array(
        [0.0, np.inf, 2.0**-149, 2.0**-126, 2.0**-127, 0.5**0.5, 0.625, 1, 2, 0.5, 1.5]
        + [128, 127, 126, 125, 149, 150, 151, 88.0, 88.72284, 87.33655, 103.27893, 103.97208]
        + [9.010913, 16.635532, 17.32868, 2.0**-12, 2.0**-24, 2.0**-25, 0.34657359, 2.0**126]
    )
)


def inputs(name: str, type_: str, count: int, seed: int) -> Codes:
    """Return every bf16 code, or `count` float32 codes: any, in the range, and about edges."""
    if type_ == "bf16":
        return np.arange(1 << 16, dtype=np.uint16)
    random = np.random.default_rng(seed)
    row = FUNCTIONS[name]
    around = (EDGES[:, None] + np.arange(-64, 65).astype(np.uint32)).reshape(-1)
    around = np.concatenate((around, around ^ np.uint32(1 << 31)))
    anything = random.integers(0, 1 << 32, count // 4, np.uint32)
    within = codes_of(random.uniform(row.low, row.high, count - len(anything) - len(around)))
    return np.concatenate((around, anything, within))


def compared(name: str, type_: str, codes: Codes) -> tuple[Float64, Float64]:
    """Return the inputs whose exact value is a number, and the results; check the others."""
    x = values_of(codes, type_)
    made = values_of(results(name, type_, codes), type_)
    expected = FUNCTIONS[name].quick(x)
    special = ~np.isfinite(expected) | ~np.isfinite(x) | (x == 0)
    assert np.array_equal(made[special], expected[special], equal_nan=True)
    assert np.array_equal(np.signbit(made[special & (x == x)]), signs(name, x, expected, special))
    return x[~special], made[~special]


def signs(name: str, x: Float64, expected: Float64, special: NDArray[np.bool_]) -> Any:
    """Return the signs of the expected results of numbers; a NaN made of one is positive."""
    chosen = special & (x == x)
    return np.signbit(expected[chosen]) & ~np.isnan(expected[chosen])


# ---- errors


def ulps(values: Float64, type_: str) -> Float64:
    """Return the distance between a type's numbers at values."""
    fraction = 23 if type_ == "f32" else 7
    exponents = np.clip(np.frexp(values)[1] - 1, -126, 127)
    return np.ldexp(1.0, exponents - fraction)


def quick_errors(name: str, type_: str, x: Float64, made: Float64) -> Float64:
    """Return the errors in ulp by the float64 functions."""
    limit = 2.0**128
    expected = np.clip(FUNCTIONS[name].quick(x), -limit, limit)
    return np.abs(np.clip(made, -limit, limit) - expected) / ulps(expected, type_)


def exact_error(name: str, type_: str, x: float, made: float) -> Decimal:
    """Return the error in ulp by the exact function."""
    with localcontext(Context(DIGITS)):
        limit = Decimal(2) ** 128
        expected = min(FUNCTIONS[name].exact(Decimal(x)), limit)
        ulp = ulps(np.array([float(expected)]), type_)[0]
        return abs(max(min(Decimal(made), limit), -limit) - expected) / Decimal(ulp)


def largest_error(name: str, type_: str, seeds: Iterable[int]) -> Decimal:
    """Return the largest error in ulp over a block of inputs for each seed; see the top."""
    found: list[tuple[float, float, float]] = []
    for seed in seeds:
        x, made = compared(name, type_, inputs(name, type_, BLOCK, seed))
        errors = quick_errors(name, type_, x, made)
        near = np.flatnonzero(errors >= errors.max() - NEAR)
        found += zip(errors[near].tolist(), x[near].tolist(), made[near].tolist(), strict=True)
    top = max(found)[0]
    near_top = {(x, made) for error, x, made in found if error >= top - NEAR}
    return max(exact_error(name, type_, x, made) for x, made in near_top)


def bound(name: str, type_: str) -> Decimal:
    """Return the bound in ulp that an instruction's summary states."""
    summary = definition_of(name, type_).summary
    assert "correctly rounded" in summary
    match = re.search(r"within ([\d.]+) ulp \(bf16: correctly rounded\)", summary)
    return Decimal(match[1] if match is not None and type_ == "f32" else "0.5")


@cache
def measured(name: str, type_: str) -> Decimal:
    """Return the largest error over every bf16 input or ten million float32 inputs."""
    return largest_error(name, type_, range(10 if type_ == "f32" else 1))


@EACH
@EACH_TYPE
def test_no_error_passes_the_bound(name: str, type_: str) -> None:
    assert measured(name, type_) <= bound(name, type_)


@EACH
def test_quick_errors_are_as_near_as_promised(name: str) -> None:
    x, made = compared(name, "f32", inputs(name, "f32", 20_000, 3))
    errors = quick_errors(name, "f32", x, made)
    for k in [*np.argsort(errors)[-50:], *range(0, len(x), 100)]:
        exact = exact_error(name, "f32", float(x[k]), float(made[k]))
        assert abs(exact - Decimal(float(errors[k]))) < NEAR, x[k]


# ---- monotony


def assert_monotone(name: str, type_: str, codes: Codes) -> None:
    """Check that greater inputs never have lesser results (for reciprocals, on either side of 0,
    never greater ones)."""
    x = values_of(codes, type_)
    made = values_of(results(name, type_, codes), type_)
    falling = name in ("vrecip", "vrsqrt")
    for side in (x < 0, x > 0) if falling else (~np.isnan(x),):
        kept = side & ~np.isnan(made)
        in_order = made[kept][np.argsort(x[kept], kind="stable")]
        assert np.all(
            (in_order[1:] <= in_order[:-1]) if falling else (in_order[1:] >= in_order[:-1])
        )


@EACH
@EACH_TYPE
def test_results_are_monotone(name: str, type_: str) -> None:
    assert "monotone" in definition_of(name, type_).summary
    assert_monotone(name, type_, inputs(name, type_, BLOCK, 1))


def runs(name: str, count: int, seed: int) -> Codes:
    """Return `count` runs of 64 neighbouring codes each."""
    starts = inputs(name, "f32", count + 20_000, seed)[-count:]
    return (starts[:, None] + np.arange(64, dtype=np.uint32)).reshape(-1)


@EACH
def test_neighbours_are_monotone(name: str) -> None:
    assert_monotone(name, "f32", runs(name, 2_000, 4))


def test_tanh_is_odd() -> None:
    codes = inputs("vtanh", "f32", 100_000, 6)
    codes = codes[~np.isnan(values_of(codes, "f32"))]
    mirrored = results("vtanh", "f32", codes ^ np.uint32(1 << 31))
    assert np.array_equal(mirrored, results("vtanh", "f32", codes) ^ np.uint32(1 << 31))


# ---- every float32 input that matters

# Between these magnitudes, of both signs where it is said. Elsewhere results are those of an input
# inside times a power of two (reciprocals, roots), greater, so that the same errors count less
# (logarithms), constant (exponentials), or the input (tanh of little numbers); tanh is odd.
SWEEPS: dict[str, tuple[float, float, bool]] = {
    "vrecip": (1, 4, False),
    "vsqrt": (1, 4, False),
    "vrsqrt": (1, 4, False),
    "vexp2": (2.0**-26, 151, True),
    "vexp": (2.0**-26, 105, True),
    "vlog2": (0.125, 8, False),
    "vlog": (0.125, 8, False),
    "vtanh": (2.0**-13, 10, False),
    "vsigmoid": (2.0**-26, 105, True),
}


def swept_codes(name: str) -> Iterator[Codes]:
    """Yield the codes of a sweep in blocks, each of which begins with the end of the one before."""
    low, high, both_signs = SWEEPS[name]
    first, last = codes_of(np.array([low, high])).tolist()
    for sign in (0, 1 << 31) if both_signs else (0,):
        for start in range(first, last, BLOCK):
            yield np.arange(start, min(start + BLOCK, last) + 1, dtype=np.uint32) | np.uint32(sign)


@pytest.mark.soak
@EACH
def test_every_input(name: str) -> None:
    """The largest error of all is the one that the page states, and the order is kept."""
    largest = Decimal(0)
    falling = name in ("vrecip", "vrsqrt")
    for codes in swept_codes(name):
        x, made = compared(name, "f32", codes)
        later, earlier = made[1:], made[:-1]
        assert np.all(later >= earlier if (x[-1] > x[0]) != falling else later <= earlier)
        errors = quick_errors(name, "f32", x, made)
        worst = int(errors.argmax())
        if errors[worst] > largest - Decimal(NEAR):
            largest = max(largest, exact_error(name, "f32", float(x[worst]), float(made[worst])))
    assert f"{largest:.4f}" == stated(name)


def test_inputs_outside_the_sweeps_bring_nothing_new() -> None:
    little = np.random.default_rng(10).integers(0, 100 << 23, BLOCK, np.uint32)  # below 2^-27
    both = np.append(little, little | np.uint32(1 << 31))
    for name, value in (("vexp2", 1.0), ("vexp", 1.0), ("vsigmoid", 0.5)):
        assert np.all(values_of(results(name, "f32", both), "f32") == value)
    tiny = little[little < codes_of(np.array([2.0**-13]))[0]]
    assert np.array_equal(results("vtanh", "f32", tiny), tiny)
    within = codes_of(np.random.default_rng(11).uniform(1, 4, BLOCK))
    for doublings in (-124, -2, 2, 124):
        scaled = codes_of(values_of(within, "f32") * 2.0**doublings)
        roots = values_of(results("vrsqrt", "f32", scaled), "f32") * 2.0 ** (doublings // 2)
        assert np.array_equal(codes_of(roots), results("vrsqrt", "f32", within))


def test_powers_of_two_are_exact() -> None:
    exponents = np.arange(-149, 128)
    whole, powers = codes_of(exponents.astype(np.float64)), codes_of(np.ldexp(1.0, exponents))
    assert np.array_equal(results("vexp2", "f32", whole), powers)
    assert np.array_equal(results("vlog2", "f32", powers), whole)


def test_a_multiplication_after_a_logarithm_costs_little() -> None:
    codes = inputs("vlog2", "f32", BLOCK, 12)
    x = values_of(codes, "f32")
    made = results("vlog2", "f32", codes).view(np.float32) * np.float32(0.30103)
    expected = np.log10(x)
    errors = np.abs(made - expected) / ulps(expected, "f32")
    assert np.all(errors[(x > 0) & np.isfinite(x)] < 4)


# ---- exact operators and integral values


def soft(name: str, *sources: Codes) -> Codes:
    """Return what SoftFloat makes of codes, NaNs canonical."""
    function = getattr(softfloatpy, name)
    rows = zip(*(source.tolist() for source in sources), strict=True)
    made = [
        function(*(softfloatpy.Float32.from_bytes(c.to_bytes(4, "big")) for c in row)).to_bytes()
        for row in rows
    ]
    codes = np.frombuffer(b"".join(made), ">u4").astype(np.uint32)
    return np.where(codes & 0x7FFFFFFF > 0x7F800000, np.uint32(float_codes.NAN_F32), codes)


def pairs(count: int) -> tuple[Codes, Codes]:
    """Return operands whose quotient is often a number, denormal ones and edges among them."""
    random = np.random.default_rng(7)
    a = random.integers(0, 1 << 32, count, np.uint32)
    b = a + random.integers(-(1 << 27), 1 << 27, count).astype(np.uint32)
    b[: count // 2] = random.integers(0, 1 << 32, count // 2, np.uint32)
    edges = np.concatenate((EDGES, EDGES ^ np.uint32(1 << 31), codes_of(np.array([np.nan]))))
    first, second = np.meshgrid(edges, edges)
    return np.append(a, first.reshape(-1)), np.append(b, second.reshape(-1))


def test_float32_division_and_roots_equal_softfloat() -> None:
    a, b = pairs(20_000)
    assert np.array_equal(results("vdiv", "f32", a, b), soft("f32_div", a, b))
    assert np.array_equal(results("vsqrt", "f32", a), soft("f32_sqrt", a))
    one = np.full_like(a, 0x3F800000)
    assert np.array_equal(results("vrecip", "f32", a), soft("f32_div", one, a))


def assert_quotients(type_: str, a: Codes, b: Codes) -> int:
    """Check that no number is nearer to a / b than q, and return how many q are numbers.

    |a - q b| <= |b| ulp / 2 is exact in float64: the product has at most 48 bits, and the rest
    no more than b. Below a power of two numbers lie twice as close.
    """
    made = values_of(results("vdiv", type_, a, b), type_)
    x, y = values_of(a, type_), values_of(b, type_)
    operands = np.isfinite(x) & np.isfinite(y) & (y != 0)
    assert np.array_equal(made[~operands], (x / y)[~operands], equal_nan=True)
    number = operands & np.isfinite(made)
    twice = 2 * np.abs(x - made * y)[number]
    step_down = (np.abs(np.frexp(made)[0]) == 0.5) & (np.abs(made) > 2.0**-126)
    closer = step_down & (np.abs(x) < np.abs(made * y))
    limit = (ulps(made, type_) * np.abs(y) * np.where(closer, 0.5, 1))[number]
    assert np.all(twice <= limit)
    # Of two equally near numbers the even one, which has an even code.
    codes = codes_of(made[number]) >> np.uint32(0 if type_ == "f32" else 16)
    assert not np.any((twice == limit) & (codes & 1 == 1))
    beyond = operands & ~number
    largest = 2 - 2.0 ** (-24 if type_ == "f32" else -8)
    assert np.all((np.abs(x / y) >= largest * 2.0**127)[beyond])
    assert np.array_equal(np.signbit(made[operands]), np.signbit((x / y)[operands]))
    return int(np.count_nonzero(number))


def test_bf16_division_is_correctly_rounded() -> None:
    a, b = np.random.default_rng(8).integers(0, 1 << 16, (2, BLOCK), np.uint16)
    assert assert_quotients("bf16", a, b) > 0.7 * BLOCK


def test_float32_division_of_ten_million_pairs_is_correctly_rounded() -> None:
    for seed in range(10):
        random = np.random.default_rng(seed)
        a, b = random.integers(0, 1 << 32, (2, BLOCK), np.uint32)
        # Half of them alike, so that quotients are numbers; of a third few bits, for midpoints.
        b[::2] = a[::2] + random.integers(-(1 << 27), 1 << 27, BLOCK // 2).astype(np.uint32)
        for codes, bits in ((a, 12), (b, 13)):
            codes[::3] &= np.uint32(0xFFFFFFFF) << np.uint32(bits)
        # Quotients below the normal numbers.
        b[1::8] = b[1::8] & np.uint32(0x807FFFFF) | np.uint32(0x7B000000)
        assert assert_quotients("f32", a, b) > 0.7 * BLOCK


@pytest.mark.parametrize("name", INTEGRAL)
@EACH_TYPE
def test_integral_values(name: str, type_: str) -> None:
    codes = inputs("vtanh", type_, 100_000, 9)
    x = values_of(codes, type_)
    made = values_of(results(name, type_, codes), type_)
    expected = INTEGRAL[name](x)
    assert np.array_equal(made, expected, equal_nan=True)
    numbers = ~np.isnan(x)
    assert np.array_equal(np.signbit(made[numbers]), np.signbit(expected[numbers]))


# ---- the page


def stated(name: str) -> str:
    """Return the largest error that the page states, in ulp with four decimals."""
    match = re.search(rf"^\| `{name}` \|[^|]+\| (\d\.\d{{4}}) \|", PAGE.read_text("utf-8"), re.M)
    assert match is not None
    return match[1]


@EACH
def test_the_page_states_the_bound(name: str) -> None:
    promise = bound(name, "f32")
    text = "correctly rounded" if promise == Decimal("0.5") else str(promise)
    line = f"| `{name}` | {text} | {stated(name)} | correctly rounded | yes |"
    assert line in PAGE.read_text("utf-8")
    assert measured(name, "f32") < Decimal(stated(name)) + Decimal("0.00005")
    assert Decimal(stated(name)) <= promise


@EACH
def test_the_page_states_the_edges(name: str) -> None:
    edges = codes_of(np.array([0.0, -0.0, np.inf, -np.inf, np.nan]))
    made = results(name, "f32", edges).tolist()
    row = " | ".join(float_codes.f32_text(code).removesuffix(".0") for code in made)
    assert f"| `{name}` | {row} | " in PAGE.read_text("utf-8")
