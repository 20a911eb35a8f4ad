"""Wrong descriptions are refused, each with the line and column of its mistake."""

import time

import pytest

from dojo_tools.description.loader import load_sources
from dojo_tools.description.model import Meaning
from dojo_tools.description.source_tree import DEPTH_MAX
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.engines.examples import run_example
from dojo_tools.engines.reference import ReferenceThread

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
operand vd "destination" in d register v
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


def moving(body: str) -> str:
    """Return an instruction of two vector registers."""
    return instruction("R op=alu b=0 func=0", body=body, operands="vd, va")


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
    "constant lanes of no known type": (
        instruction(body="{ let n = [i in 8 : i]  xd = xa + xb }"), 5, 15,
        "the integer type of these lanes is not known here"),
    "constant lanes that vary": (
        instruction(body="{ let n = u8([i in 8 : xa])  xd = xb }"), 5, 28,
        "constant lanes must be integers known here"),
    "a constant lane that does not fit": (
        instruction(body="{ let n = u8([i in 8 : i * 99])  xd = xa + xb }"), 5, 18,
        "297 does not fit in u8"),
    "too many lanes joined": (
        moving("{ vd.u8 = concat(va.u8, va.u8) }"), 5, 15,
        "128 lanes; vectors have 1 to 64"),
    "lanes joined to others": (
        moving("{ vd.u8 = concat(va.u8, va.u16) }"), 5, 15,
        "u8x64 and u16x32 do not join"),
    "a permutation by another width": (
        moving("{ vd.u8 = permute(va.u8, va.u16) }"), 5, 30,
        "u16x32 where u8x64 is needed"),
    "a compression by a number": (
        moving("{ vd.u8 = compress(va.u8, va.u8) }"), 5, 31,
        "u8x64 where boolx64 is needed"),
    "random words without a generator": (
        instruction("R op=alu b=0 func=0", body="{ vd.u32 = random(16) + va.u32 }",
                    operands="vd, va", example="example va.u32 = 1 -> vd.u32 = 2"), 1, 13,
        "`test` uses `random`, which needs control registers `seed`, `draws`, `node_x`"),
    "a drawing that nobody counts": (
        instruction(body="{ xd = xa + xb  count_draw() }"), 1, 13,
        "`test` uses `count_draw`, which needs control register `draws`"),
    "flags that nobody keeps": (
        instruction(body="{ if xa == xb { raise_flags(xa) } xd = xb }"), 1, 13,
        "`test` uses `raise_flags`, which needs control register `flags`"),
    "a seed that restarts nothing": (
        'control seed 1 read-write 64 bits "s"\n' + ADD, 1, 9,
        "restarts `draws`, which does not exist"),
    "a load from many addresses": (
        moving("{ vd.u64 = mem.u64[va.u64] }"), 5, 16,
        "only a store takes a vector of addresses"),
    "a store of lanes to many addresses": (
        moving("{ mem.u64x8[va.u64] = vd.u64 }"), 5, 17,
        "u64x8 where u64 is needed"),
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
    "a number format that does not exist": (
        instruction(operands="vd, va, xb", example="example -> xb = 0",
                    body="{ vd.u16 = narrow(shq, va.bf16, xb) }"),
        5, 23, "`shq` is not a number format"),
    "codes of another width": (
        instruction(operands="vd, va, xb", example="example -> xb = 0",
                    body="{ vd.f32 = widen(shp, va.u32, xb) }"),
        5, 16, "takes lanes of u16x16, found u32x16"),
    "values that are no floats": (
        instruction(operands="vd, va, xb", example="example -> xb = 0",
                    body="{ vd.u16 = narrow(shp, va.u16, xb) }"),
        5, 16, "takes lanes of floats, found u16x32"),
    "random words without a count": (
        instruction(operands="vd, xa, xb", example="example -> xb = 0",
                    body="{ vd.u32 = random(xa + xb) }"),
        5, 16, "a count of 1 to 64 lanes"),
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
    "a local without use": (
        instruction(body="{ let y = xb  xd = xa }"), 5, 11, "local `y` is never read"),
    "an effect after a halt": (
        instruction(body="{ halt(xa)  xd = xb }"), 5, 5, "nothing can follow"),
    "a fault after printing": (
        instruction(body="{ print_unsigned(xb)  xd = mem.u64[xa] }"),
        5, 5, "the fault would not be precise"),
    "a load that may not be wanted": (
        instruction(body="{ xd = xa == 0 ? mem.u64[xa] : xb }"), 5, 12, "a choice can't load"),
    "a function that loads": (
        'function f(a: u64) -> u64 "f" { return mem.u64[a] }\n',
        1, 40, "a function can't read memory"),
    "a float out of range": (
        instruction(operands="vd, va, xb", example="example -> pc = 0x1004",
                    body="{ vd.bf16 = va.bf16 + 1.0e39 }"), 5, 27, "does not fit in bf16"),
    "an integer beyond all floats": (
        instruction(operands="vd, va, xb", example="example -> pc = 0x1004",
                    body="{ vd.f32 = va.f32 + 0x" + "f" * 32 + " }"),
        5, 25, "does not fit in f32"),
    "truth values in memory": (
        instruction(body="{ xd = (mem.boolx64[xa] as u64) + xb }"),
        5, 17, "memory holds no truth values"),
    "truth values of a wide register": (
        instruction(operands="xd, va, xb", body="{ xd = (va.boolx64 as u64) + xb }"),
        5, 16, "boolx64 is no view of `va`"),
    "one truth value of a register": (
        instruction(body="{ xd = xa.bool ? xb : u64(0) }"), 5, 15, "bool is no view of `xa`"),
    "a family of one mnemonic": (
        instruction("R op=alu func={F}").replace("    timing", "    for F in 1, 2\n    timing"),
        1, 13, "operands of this shape is already defined"),
    "a mnemonic that can't be written": (
        instruction().replace("test", "{T}").replace("    timing", "    for T in ABC\n    timing"),
        1, 13, "`ABC` is no mnemonic"),
    "a local named by a number": (
        instruction(body="{ let {T} = xa  xd = xb + {T} }").replace(
            "    timing", "    for T in 1\n    timing"),
        6, 11, "`1` is not a name"),
    "a code of odd digits": (instruction("R op=010 func=0"), 2, 19, "`010` is not a number"),
    "a register name twice": (
        'registers y 4 of 64 bits "y" { x1 = 2 }\n', 1, 32, "register `x1` is already defined"),
    "register names that run into each other": (
        'registers x1 4 of 64 bits "y"\n', 1, 11, "register `x10` is already defined"),
    "a zero among wide registers": (
        'registers y 4 of 512 bits zero 0 "y"\n', 1, 32, "can be zero"),
    "a control register number twice": (
        'control p 16 read-only 4 bits "p"\ncontrol q 0x10 read-only 4 bits "q"\n',
        2, 11, "number `16` is already defined"),
    "a relocation number twice": (
        'data p u8 relocation 16 "p"\ndata q u8 relocation 0x10 "q"\n',
        2, 22, "relocation `16` is already defined"),
    "a relocation number beyond ELF": (
        'data p u8 relocation 99999999999 "p"\n', 1, 22, "have numbers 1 to 255"),
    "an example of odd digits": (
        instruction(example="example xa = 08 -> xd = 3"), 4, 18, "`08` is not a number"),
    "an example that sets part of a wide register": (
        instruction(operands="xd, va, xb", body="{ xd = u64(va.u32[xb]) }",
                    example="example va.u32x4 = 1 -> xd = 1"), 4, 13, "not all 512 bits"),
    "an example beyond memory": (
        instruction(example="example mem.u64[0x13fffc] = 1 -> xd = 0"), 4, 13, "memory ends at"),
    "an example that sets the pc": (
        instruction(example="example pc = 4 -> xd = 0"), 4, 13, "the pc can't be set"),
    "an example of an impossible constant": (
        'operand small "c" in func signed\n'
        + instruction("R op=alu b=0", operands="xd, xa, small", body="{ xd = xa + u64(small) }",
                      example="example small = 1024 -> xd = 1024"),
        5, 13, "`small` can't be 1024"),
    "an example that changes a constant": (
        'operand small "c" in func signed\n'
        + instruction("R op=alu b=0", operands="xd, xa, small", body="{ xd = xa + u64(small) }",
                      example="example -> small = 1"),
        5, 16, "`small` is no register"),
    "an example of no float": (
        instruction("R op=alu b=0 func=0", operands="vd, va", body="{ vd.bf16 = va.bf16 }",
                    example="example va.bf16 = 257 -> vd.bf16 = 0"),
        4, 23, "257 is not exactly a bf16 number"),
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


DEEP = {
    "signs": "{ xd = " + "~" * 20_000 + "xa + xb }",
    "sums": "{ xd = " + "xa + " * 60 + "xb }",
    "views": "{ xd = (xa" + " as i64" * 61 + " as u64) + xb }",
    "conditions": "{ " + "if xa == xb { " * 110 + "xd = xa" + " }" * 110 + " }",
    "alternatives": "{ " + "if xa == xb { xd = xa } else " * 110 + "{ xd = xb } }",
}


@pytest.mark.parametrize("name", DEEP)
def test_nesting_without_end_is_a_diagnostic(name: str):
    with pytest.raises(InputError, match="nested too deeply"):
        load_sources([Source("deep.isa", BASE + instruction(body=DEEP[name]))])


def test_nesting_that_is_accepted_compiles_and_survives_the_cache():
    terms = DEPTH_MAX - 4  # below instruction, block, statement and conversion
    for deep in (
        "xb + xa + " + "+ ".join(["xa"] * (terms - 1)),
        "xb + ((xa" + " as i64 as u64" * (terms // 2 - 2) + "))",
        "xb + u64(" + "-(" * (terms // 2) + "xa.i64" + ")" * (terms // 2) + ")",
        "xb + u64(" + "abs(" * (terms - 3) + "xa.i64" + ")" * (terms - 3) + ")",
        "xb + u64(" + "i8(i64(" * (terms // 2 - 2) + "xa.i64" + "))" * (terms // 2 - 2) + ")",
    ):
        text = BASE + instruction(body="{ xd = " + deep + " }", example="example xb = 7 -> xd = 7")
        description = load_sources([Source("deep.isa", text)])
        definition = description.instructions[0]
        assert run_example(ReferenceThread, description, definition, definition.examples[0]) == []
        meaning = Meaning.decode_deferred(definition.meaning.encode_deferred())
        assert meaning.statements == definition.meaning.statements


def wide(text: str, levels: int) -> str:
    """Return a sum of 2^levels texts, balanced, so that it is not deep."""
    for _ in range(levels):
        text = f"({text} + {text})"
    return text


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
    "functions that call functions": (
        'function f0(a: u64) -> u64 "f" { return a + a }\n'
        + "".join(
            f'function f{i}(a: u64) -> u64 "f" {{ return {"(1 + " * 30}f{i - 1}(a){")" * 30} }}\n'
            for i in range(1, 200)
        ),
        "nested too deeply",
    ),
    "a wide expression in a loop": (
        instruction(
            body="{ let s = xa  for i in 0..4000 { set s = "
            + wide("(s + s)", 9)
            + " } xd = s + xb }"
        ),
        "too large",
    ),
    "a large meaning in a large family": (
        instruction(
            operands="xd, va, xb",
            body="{ let s = va.u8  for k in 0..100 { set s = s[i in 64 : 63 - i] }"
            "  xd = u64(s[xb]) }",
            example="example -> xd = 0",
        )
        .replace("test", "test{N}")
        .replace("    timing", f"    for N in {', '.join(map(str, range(3000)))}\n    timing"),
        "too large",
    ),
    "a billion registers": ('registers y 1000000000 of 64 bits "y"\n', "1 to 256 registers"),
    "registers of an odd width": ('registers y 4 of 100 bits "y"\n', "registers have 64"),
    "a scale of nothing": ('operand i "i" in func signed scale 0\n', "power of two"),
    "an alias of itself": ('alias p xa = p xa "p"\n', "leads back to itself"),
    "far expansions that multiply": (
        'operand to "target" in func signed scale 4 relative\n'
        'operand xs "source" in d register x\n'
        + "".join(
            f'instruction b{i} xs, xa, to "b" encoding R op={i + 2} b=0 timing alu latency=1\n'
            f"far {{ b{(i + 1) % 14} xs, xa, to; b{(i + 2) % 14} xs, xa, to }}\n"
            "example -> pc = 0x1004 { if xs == xa { pc = to } }\n"
            for i in range(14)
        ),
        "has 2 instructions that have one themselves",
    ),
    "two paddings": (
        'alias p = add x0, x0, x0 "p"\nalias q = add x0, x0, x0 "q"\n'
        'padding p "p"\npadding q "q"\n' + ADD,
        "the padding is `p` already",
    ),
    "aliases in a circle": ('alias p xa = q xa "p"\nalias q xa = p xa "q"\n', "leads back"),
    "conditions without end": (
        instruction(body="{ " + "if xa == xb { " * 3000 + "xd = xa" + " }" * 3000 + " }"),
        "nested too deeply",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_strangers_file_ends_in_a_diagnostic(name: str):
    text, message = HOSTILE[name]
    start = time.process_time()
    with pytest.raises(InputError, match=message):
        load_sources([Source("hostile.isa", BASE + text)])
    assert time.process_time() - start < 10  # seconds; about 4 on a slow machine


def test_missing_provenance_is_refused():
    text = BASE.replace('provenance chosen "test"\n', "") + ADD
    with pytest.raises(InputError, match="no provenance"):
        load_sources([Source("wrong.isa", text)])


@pytest.mark.parametrize(
    "meaning, message",
    [
        ("{ xd = xa semaphore_post(xa, xb) }", "can fault after a write"),
        ("{ semaphore_post(xa, xb) xd = 1 }", "nothing can follow what may stop"),
        ("{ if xa == 0 { semaphore_post(xa, xb) } xd = 1 }", "nothing can follow what may stop"),
        ("{ semaphore_post(xa, xb) semaphore_post(xa, xd) }", "nothing can follow"),
        ("{ semaphore_try(xa, xb) }", "has an answer, which must go to a register"),
        ("{ xd = semaphore_post(xa, xb) }", "has no answer"),
        ("{ xd = semaphore_try(xa, xb) + 1 }", "an interaction stands alone"),
        ("{ xd = semaphore_try(xa) }", "takes 2 arguments, found 1"),
        ("{ xd.u32 = semaphore_try(xa, xb) }", "an interaction answers with u64"),
        ("{ vd = semaphore_try(xa, xb) }", "can't take the answer"),
    ],
)
def test_interactions(meaning: str, message: str):
    operands = "vd, xa, xb" if "vd" in meaning else "xd, xa, xb"
    text = ADD.replace("xd, xa, xb", operands, 1).replace("{ xd = xa + xb }", meaning)
    with pytest.raises(InputError) as caught:
        load_sources([Source("x.isa", BASE + text)])
    assert message in str(caught.value)
