"""The description language: precedence, literals, functions, loops, computed by the reference."""

import pytest

from dojo_tools.description import EXAMPLE_ADDRESS, Description, Instruction, encode
from dojo_tools.description.loader import load_sources
from dojo_tools.diagnostics import Source
from dojo_tools.engines.examples import run_example
from dojo_tools.engines.reference import ReferenceThread

BASE = """\
provenance chosen "test"
field op [31:26] "opcode"
field d [25:21] "destination"
field a [20:16] "source"
field rest [15:0] "zero"
format R (op d a rest) "two registers"
unit alu "adds"
registers x 32 of 64 bits zero 0 "scalar"
registers v 32 of 512 bits "vector"
registers m 8 of 64 bits "mask"
operand xd "destination" in d register x
operand xa "source" in a register x
operand vd "destination" in d register v
operand va "source" in a register v
function triple(a: u64) -> u64 "Three times." { let twice = a + a return twice + a }
"""


def load(body: str, operands: str = "xd, xa") -> Description:
    text = (
        f'{BASE}instruction test {operands} "Test."\n'
        f"encoding R op=1 rest=0 timing alu latency=1 example -> pc = 0x1004 {body}\n"
    )
    return load_sources([Source("test.isa", text)])


def compute(expression: str, a: int = 0) -> int:
    """Return a u64 expression over `a`, computed by the reference engine."""
    description = load("{ let a = xa  xd = " + expression + " }")
    thread = ReferenceThread(description, 0x2000, 0x100)
    word = encode(Instruction(description.instructions[0], (1, 2)))
    thread.write_register("x2", a)
    thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))
    thread.pc = EXAMPLE_ADDRESS
    thread.run(1)
    value = thread.read_register("x1")
    assert isinstance(value, int)
    return value


# Each pair of neighbouring levels of C's precedence, with `a` = 6 so that nothing is constant.
PRECEDENCE = {
    "a + 2 * 3": 12,
    "2 * a + 3": 15,
    "a - 2 - 1": 3,
    "a / 2 * 3": 9,
    "a << 1 + 1": 24,
    "1 + a << 1": 14,
    "a >> 1 << 1": 6,
    "a & 3 << 1": 6,
    "a ^ 3 & 1": 7,
    "a | 1 ^ 3": 6,
    "a | 8 & 7": 6,
    "a & 4 | 3": 7,
    "a ^ 1 | 1": 7,
    "a < 3 << 2 ? u64(1) : 0": 1,
    "a & 2 == 2 ? u64(1) : 0": None,  # & binds looser than ==: u64 & bool does not type
    "(a & 2) == 2 ? u64(1) : 0": 1,
    "a == 6 && a < 7 ? u64(1) : 0": 1,
    "a == 5 || a == 6 && a == 7 ? u64(1) : 0": 0,
    "a == 6 || a == 5 && a == 7 ? u64(1) : 0": 1,
    "a == 6 ? a == 7 ? u64(1) : 2 : 3": 2,
    "-1 + a as u64 + 1": None,  # a negative constant is no u64
    "~a & 1": 1,
    "u64(-(a as i64) + 7)": 1,
    "a + (0xff & 0x0f)": 21,
    "triple(a) + 1": 19,
    "triple(triple(a))": 54,
}


@pytest.mark.parametrize("expression", [e for e, value in PRECEDENCE.items() if value is not None])
def test_precedence_is_that_of_c(expression: str):
    assert compute(expression, 6) == PRECEDENCE[expression]


@pytest.mark.parametrize("expression", [e for e, value in PRECEDENCE.items() if value is None])
def test_c_precedence_that_does_not_type_is_refused(expression: str):
    with pytest.raises(Exception, match=r"on the left|does not fit|needs bool"):
        compute(expression, 6)


def test_constants_follow_the_same_precedence():
    assert compute("a + (1 | 2 ^ 3 & 4 << 1 + 1)", 0) == 1 | 2 ^ 3 & 4 << 1 + 1


def test_loops_unroll_and_locals_carry_over():
    body = (
        "{ let sum = xa  for k in 0..4 { set sum = sum + k }"
        "  for k in 10, 20 { set sum = sum + k }  xd = sum }"
    )
    description = load(body)
    thread = ReferenceThread(description, 0x2000, 0x100)
    word = encode(Instruction(description.instructions[0], (1, 2)))
    thread.write_register("x2", 100)
    thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))
    thread.pc = EXAMPLE_ADDRESS
    thread.run(1)
    assert thread.read_register("x1") == 136


def test_a_local_keeps_its_value_when_the_register_is_written():
    text = BASE + (
        'instruction swap vd, va "Swap."\nencoding R op=1 rest=0 timing alu latency=1\n'
        "example vd.u32 = 1, va.u32 = 2 -> vd.u32 = 2, va.u32 = 1\n"
        "{ let old = vd.u32  vd.u32 = va.u32  va.u32 = old }\n"
    )
    description = load_sources([Source("swap.isa", text)])
    definition = description.instructions[0]
    assert run_example(ReferenceThread, description, definition, definition.examples[0]) == []


@pytest.mark.parametrize(
    "example, differences",
    [
        ("va.f32 = 1 -> vd.f32 = 2", []),
        (
            "va.f32 = 1 -> vd.f32 = 3",
            ["vd.f32 lanes 0..15: found 2.0 (0x40000000), expected 3.0 (0x40400000)"],
        ),
        (
            "va.f32 = [1, -0.5] -> vd.f32 = [2, nan]",
            ["vd.f32 lanes 1..15 by 2: found 0.5 (0x3f000000), expected nan (0x7fc00000)"],
        ),
        (
            "va.f32 = [1, 2, 3, 4] -> vd.f32 = [2, 3, 4, 4]",
            ["vd.f32 lanes 3..15 by 4: found 5.0 (0x40a00000), expected 4.0 (0x40800000)"],
        ),
        (
            "va.f32 = 1 -> halt 3",
            ["found no fault, halt or request, expected `halt 3`"],
        ),
    ],
)
def test_what_differs_from_an_example_is_told_by_lane_and_value(
    example: str, differences: list[str]
):
    text = BASE + (
        'instruction more vd, va "One more."\nencoding R op=1 rest=0 timing alu latency=1\n'
        f"example {example}\n"
        "{ vd.f32 = va.f32 + 1 }\n"
    )
    definition = load_sources([Source("more.isa", text)]).instructions[0]
    (found,) = definition.examples
    assert found.defined_at == f"more.isa:{BASE.count(chr(10)) + 3}"
    description = load_sources([Source("more.isa", text)])
    assert run_example(ReferenceThread, description, definition, found) == differences


def test_names_of_a_description_cannot_reach_the_generated_code():
    body = (
        "{ let np = xa  let thread = np + 1  let pc_ = thread  let memory = pc_ + pc  xd = memory }"
    )
    description = load(body)
    thread = ReferenceThread(description, 0x2000, 0x100)
    word = encode(Instruction(description.instructions[0], (1, 2)))
    thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))
    thread.pc = EXAMPLE_ADDRESS
    thread.run(1)
    assert thread.read_register("x1") == EXAMPLE_ADDRESS + 1


def test_a_bf16_literal_is_rounded_once():
    text = BASE + (
        'instruction one vd, va "One."\nencoding R op=1 rest=0 timing alu latency=1\n'
        "example va.bf16 = 1 -> vd.bf16 = 1\n"
        "example va.bf16 = 3 -> vd.bf16 = 3\n"
        "{ vd.bf16 = va.bf16 * 1.0039 }\n"
    )
    description = load_sources([Source("one.isa", text)])
    definition = description.instructions[0]
    for example in definition.examples:
        assert run_example(ReferenceThread, description, definition, example) == []


def test_the_locals_of_a_function_never_meet_those_of_its_caller():
    text = BASE + (
        'function add3(a: u64) -> u64 "a + 3" { let b = a + 1 return b + 2 }\n'
        'instruction test xd, xa "Test."\nencoding R op=1 rest=0 timing alu latency=1\n'
        "example xa = 10 -> xd = 10019\n"
        "{ let a_1 = xa * 1000  let b_1 = a_1 - a_1  let a = add3(add3(xa)) + add3(b_1)\n"
        "  xd = a + a_1 + b_1 }\n"
    )
    description = load_sources([Source("names.isa", text)])
    definition = description.instructions[0]
    assert run_example(ReferenceThread, description, definition, definition.examples[0]) == []


def test_a_function_may_have_a_family():
    text = BASE + (
        'function up_{N}(a: i{W}x{N}, by: i{W}x{N}) -> i{W}x{N} "a + by" for (N, W) in '
        "(8, 64), (16, 32) { let b = a + 0 return b + by }\n"
        'function up2_{N}(a: i32x{N}) -> i32x{N} "a + 2" for N in 16 '
        "{ return up_{N}(up_{N}(a, 1), 1) }\n"
        'instruction test vd, va "Test."\nencoding R op=1 rest=0 timing alu latency=1\n'
        'provenance chosen "test"\nexample va.i32 = 10 -> vd.i32 = 12\n'
        "{ vd.i32 = up2_16(va.i32) }\n"
    )
    description = load_sources([Source("family.isa", text)])
    definition = description.instructions[0]
    assert run_example(ReferenceThread, description, definition, definition.examples[0]) == []


def test_nested_calls_are_read_once_each():
    deepest = "abs(" * 30 + "xa.i64" + ")" * 30
    description = load("{ xd = u64(" + deepest + ") }")
    assert description.instructions


def test_a_jump_to_address_0_is_a_jump_where_there_is_memory():
    description = load("{ pc = xa  xd = pc }")
    thread = ReferenceThread(description, 0x2000, 0)
    word = encode(Instruction(description.instructions[0], (1, 0)))
    thread.write_memory(EXAMPLE_ADDRESS, word.to_bytes(4, "little"))
    thread.pc = EXAMPLE_ADDRESS
    thread.run(1)
    assert thread.pc == 0
