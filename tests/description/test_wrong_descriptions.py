"""Wrong descriptions are refused, each with the line and column of its mistake."""

import pytest

from dojo_tools.description.loader import load_sources
from dojo_tools.diagnostics import InputError, Source

BASE = """\
provenance chosen "test"
field op [31:26] "opcode"
field d [25:21] "destination"
field a [20:16] "source"
field b [15:11] "source"
field func [10:0] "operation"
format R (op d a b func) "three registers"
codes op { alu = 1 "integer" }
unit alu "adds"
registers x 32 of 64 bits zero 0 "scalar"
registers v 32 of 512 bits "vector"
operand xd "destination" in d register x
operand xa "source" in a register x
operand xb "source" in b register x
operand va "source" in a register v
"""

ADD = """\
instruction add xd, xa, xb "Add."
    encoding R op=alu func=0
    timing alu latency=1
    example xa = 1, xb = 2 -> xd = 3
    { xd = xa + xb }
"""

FIRST_LINE = BASE.count("\n") + 1


def instruction(
    encoding: str = "R op=alu func=0",
    unit: str = "alu",
    body: str = "{ xd = xa + xb }",
    operands: str = "xd, xa, xb",
    example: str = "example xa = 1, xb = 2 -> xd = 3",
) -> str:
    """Return an instruction with one clause changed, its clauses at known lines."""
    return (
        f'instruction test {operands} "Test."\n'
        f"    encoding {encoding}\n"
        f"    timing {unit} latency=1\n"
        f"    {example}\n"
        f"    {body}\n"
    )


# name: text after the base, line within it, column, words of the message
WRONG = {
    "a bit covered twice by fields": (
        'field wide [27:20] "w"\nformat W (op wide a b func) "w"\n',
        2, 14, "bit 27 is covered twice"),
    "a bit covered by no field": (
        'format W (op d a b) "w"\n', 1, 8, "bit 10 is covered by no field"),
    "a field that is an operand and fixed": (
        instruction("R op=alu a=0 func=0"), 2, 23, "field `a` is covered twice"),
    "a field never bound": (
        instruction("R op=alu"), 2, 5, "bits [10:0] (field `func`) are never covered"),
    "an undeclared overlap": (
        ADD + instruction(), 6, 13, "overlaps that of `add`"),
    "an unused operand": (
        instruction(body="{ xd = xa + 1 }"), 1, 13, "operand `xb` is never used"),
    "a width mismatch": (
        instruction(body="{ xd = xa.u32 + xb }"), 5, 12, "u32 on the left and u64 on the right"),
    "a silent change of sign": (
        instruction(body="{ xd = xa.i64 + xb.i64 }"), 5, 12, "i64 where u64 is needed"),
    "an unknown unit": (
        instruction(unit="alv"), 3, 12, "unknown unit `alv`"),
    "a loop without constant bounds": (
        instruction(body="{ for i in 0..xa { xd = xb } }"), 5, 19, "`xa` is not a number"),
    "a loop that runs too often": (
        instruction(body="{ for i in 0..1000000 { xd = xa + xb } }"), 5, 7, "runs 1000000 times"),
    "loops that multiply": (
        instruction(body="{ for i in 0..999 { for j in 0..999 { xd = xa + xb } } }"),
        5, 43, "more than 4096 statements"),
    "a fault after a write": (
        instruction(body="{ xd = xa  let y = mem.u64[xb] }"),
        5, 5, "the fault would not be precise"),
    "a narrow write": (
        instruction(body="{ xd.u32 = xa.u32 + xb.u32 }"), 5, 7, "leaves bits of `xd` undefined"),
    "an unknown operand": (
        instruction(operands="xd, xa, xq"), 1, 26, "unknown operand `xq`"),
    "an unknown name in the meaning": (
        instruction(body="{ xd = xa + xv }"), 5, 17, "`xv` is not an operand"),
    "a lane that does not exist": (
        instruction(operands="xd, va, xb", example="example -> xd = 0",
                    body="{ xd = u64(va.u32[i in 16 : i + 1][xb]) }"),
        5, 33, "lane 16 of u32x16"),
    "no worked example": (
        instruction(example=""), 1, 13, "no worked example"),
    "an example about nothing": (
        instruction(example="example xq = 1 -> xd = 1"), 4, 13, "`xq` is not an operand"),
    "a legal zero word": (
        instruction("R op=0 func=0"), 1, 13, "0x00000000 legal"),
    "a mnemonic twice": (
        ADD + ADD.replace("func=0", "func=1"), 6, 13, "is already defined"),
    "a code too wide": (
        instruction("R op=64 func=0"), 2, 19, "64 does not fit in the 6 bits"),
    "an expansion of nothing": (
        'alias nil = nothing x0 "n"\n', 1, 7, "unknown instruction `nothing`"),
    "an unknown type": (
        instruction(body="{ xd = u65(xa) + xb }"), 5, 12, "unknown function `u65`"),
    "text that is no declaration": (
        "instrction add xd\n", 1, 1, "does not fit here"),
    "an unterminated string": (
        'unit alx "adds\n', 1, 10, "does not fit here"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_wrong_description_is_refused_at_its_place(name: str):
    text, line, column, message = WRONG[name]
    with pytest.raises(InputError) as caught:
        load_sources([Source("wrong.isa", BASE + text)])
    diagnostic = caught.value.diagnostics[0]
    assert message in diagnostic.message
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column) == (FIRST_LINE + line - 1, column)


def test_all_wrong_entries_are_reported_in_one_run():
    second = instruction(body="{ xd = xa + 1 }").replace("test", "best")
    text = BASE + instruction(unit="alv") + second
    with pytest.raises(InputError) as caught:
        load_sources([Source("wrong.isa", text)])
    assert [d.message.split("`")[1] for d in caught.value.diagnostics] == ["alv", "xb"]


def test_a_family_reports_its_mistake_once():
    text = BASE + instruction(body="{ xd = xa + 1 }").replace(
        "instruction test", "instruction test.{T}"
    ).replace("    timing", "    for T in b, h, w\n    timing")
    with pytest.raises(InputError) as caught:
        load_sources([Source("wrong.isa", text)])
    assert len(caught.value.diagnostics) == 1


def test_nesting_without_end_is_a_diagnostic():
    body = "{ xd = " + "~" * 20_000 + "xa + xb }"
    with pytest.raises(InputError, match="nested too deeply"):
        load_sources([Source("deep.isa", BASE + instruction(body=body))])


HOSTILE = {
    "a chain of functions that doubles": (
        'function f0(a: u64) -> u64 "f" { return a + a }\n'
        + "".join(
            f'function f{i}(a: u64) -> u64 "f" {{ return f{i - 1}(a) + f{i - 1}(a) }}\n'
            for i in range(1, 30)
        )
        + instruction(body="{ xd = f29(xa) + xb }"),
        "more than 4096 statements",
    ),
    "loops around nothing": (
        instruction(
            body="{ for i in 0..4000 { for j in 0..4000 { for k in 0..4000 { } } } xd = xa + xb }"
        ),
        "more than 4096 statements",
    ),
    "a number without end": (
        instruction(body="{ xd = xa + xb + " + "9" * 100_000 + " }"), "has 100000 digits"),
    "a constant that grows": (
        instruction(body="{ xd = xa + xb + (1 << 63 << 63 << 63) }"), "more than 128 bits"),
    "a shift without end": (
        instruction(body="{ xd = xa + xb + (1 << 100000000000) }"), "has no value"),
    "a shift backwards": (instruction(body="{ xd = xa + xb + (1 >> -1) }"), "has no value"),
    "a billion registers": ('registers y 1000000000 of 64 bits "y"\n', "1 to 256 registers"),
    "registers of an odd width": ('registers y 4 of 100 bits "y"\n', "registers have 64"),
    "a scale of nothing": ('operand i "i" in func signed scale 0\n', "power of two"),
    "an alias of itself": ('alias p xa = p xa "p"\n', "leads back to itself"),
    "aliases in a circle": ('alias p xa = q xa "p"\nalias q xa = p xa "q"\n', "leads back"),
    "conditions without end": (
        instruction(body="{ " + "if xa == xb { " * 3000 + "xd = xa" + " }" * 3000 + " }"),
        "nested too deeply",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_file_ends_in_a_diagnostic(name: str):
    text, message = HOSTILE[name]
    with pytest.raises(InputError, match=message):
        load_sources([Source("hostile.isa", BASE + text)])


def test_missing_provenance_is_refused():
    text = BASE.replace('provenance chosen "test"\n', "") + ADD
    with pytest.raises(InputError, match="no provenance"):
        load_sources([Source("wrong.isa", text)])
