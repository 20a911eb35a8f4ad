"""The host's view of a machine: registers, memory, symbols, tensors, traces, faults."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import InputError, Source, render
from dojo_tools.engines.stop import StopReason
from dojo_tools.formats import FORMATS, decode, element_named, encode
from dojo_tools.linker import link
from dojo_tools.machine import Machine, load_program
from dojo_tools.objects import encode_object

DESCRIPTION = load_description()


def machine(text: str, engine: str = "native") -> Machine:
    assembly = assemble(Source("test.s", text), DESCRIPTION)
    image = link([assembly.object], DESCRIPTION.relocations, name="test")
    return Machine(image, DESCRIPTION, engine=engine)


START = ".global _start\n_start:\n"


def test_a_program_starts_with_its_stack_and_zeros():
    running = machine(START + "halti 0")
    assert running.read_register("sp") == 0x14_0000
    assert running.read_register("a0") == 0
    assert running.pc == 0x100


def test_running_goes_on_where_it_stopped():
    running = machine(START + "li a0, 1\nli a0, 2\nhalti 3")
    assert running.run(1).retired == 1
    assert running.read_register("a0") == 1
    result = running.run(10)
    assert (result.stop.reason, result.stop.code, result.retired) == (StopReason.HALT, 3, 3)


@pytest.mark.parametrize(
    "element, values",
    [
        ("i8", [-128, 127]),
        ("u8", [0, 255]),
        ("i16", [-32768, 32767]),
        ("u16", [0, 65535]),
        ("i32", [-(2**31), 2**31 - 1]),
        ("u32", [0, 2**32 - 1]),
        ("i64", [-(2**63), 2**63 - 1]),
        ("u64", [0, 2**64 - 1]),
        ("f32", [1.5, -0.0]),
        ("bf16", [1.5, -3.0]),
    ],
)
def test_tensors_of_every_element_type(element: str, values: list[int | float]):
    running = machine(f"{START}halti 0\n.data\n.balign 64\nt: .tensor {element}, 2\n")
    dtype = np.float64 if element == "bf16" else element_named(element).dtype
    running.write_tensor("t", np.array(values, dtype))
    assert running.read_tensor("t").tolist() == values


@pytest.mark.parametrize("name", FORMATS)
def test_every_code_of_every_format_is_read_and_written_back(name: str):
    row = FORMATS[name]
    bias = None if row.fixed_bias is not None else 9
    element = name if bias is None else f"{name}({bias})"
    codes = np.arange(0, 1 << min(row.width, 16), 1 + 6 * (row.width > 8)).astype(row.dtype)
    running = machine(f"{START}halti 0\n.data\nt: .tensor {element}, {codes.size}\n")
    address = running.symbol("t").value
    running.write_memory(address, codes.astype(np.dtype(row.dtype).newbyteorder("<")).tobytes())
    values = running.read_tensor("t")
    np.testing.assert_array_equal(values, decode(codes, name, bias))
    assert running.write_tensor("t", values) == 0
    found = np.frombuffer(running.read_memory(address, codes.nbytes), row.dtype)
    np.testing.assert_array_equal(found, encode(values, name, bias))


def test_values_that_saturate_are_counted():
    running = machine(f"{START}halti 0\n.data\nt: .tensor cfloat8_1_4_3(7), 4\n")
    assert running.write_tensor("t", np.array([1e9, 1.0, -481.0, -np.inf])) == 2
    assert running.read_tensor("t").tolist() == [480, 1, -480, -480]
    assert running.write_tensor("t", np.array([0.5, np.nan, 2.0, 3.0]), "cfloat8_1_4_3(7)") == 1
    with pytest.raises(InputError, match="`shp` needs a bias"):
        running.read_tensor("t", "shp", (2,))


def test_tensors_follow_the_rule_of_the_machine():
    gradual = replace(load_machine("node"), denormals="gradual")
    image = machine(f"{START}halti 0\n.data\nt: .tensor shp(3), 3\n").image
    running = Machine(image, DESCRIPTION, gradual)
    values = np.array([2.0**-12, 3 * 2.0**-12, 1.0])
    assert running.write_tensor("t", values) == 0
    assert running.read_tensor("t").tolist() == values.tolist()
    codes = np.frombuffer(running.read_memory(running.symbol("t").value, 6), "<u2")
    assert codes.tolist() == encode(values, "shp", 3, denormals="gradual").tolist() == [1, 3, 0xC00]


def test_bf16_rounds_to_nearest_even():
    running = machine(f"{START}halti 0\n.data\nt: .tensor bf16, 3\n")
    running.write_tensor("t", np.array([257.0, 259.0, 1e39]))
    assert running.read_tensor("t").tolist() == [256.0, 260.0, float("inf")]


def test_mistakes_of_the_host_are_input_errors():
    running = machine(f"{START}halti 0\n.data\ntable: .tensor f32, 2, 3\nplain: .word 1\n")
    with pytest.raises(InputError, match="did you mean `table`"):
        running.symbol("tabel")
    with pytest.raises(InputError, match=r"shape \(2, 3\), the values have \(6,\)"):
        running.write_tensor("table", np.zeros(6))
    with pytest.raises(InputError, match="`plain` has no type"):
        running.read_tensor("plain")
    with pytest.raises(InputError, match="unknown register `x32`"):
        running.read_register("x32")
    with pytest.raises(InputError, match="holds 64 bytes"):
        running.write_register("v0", 1)
    with pytest.raises(InputError, match="not within SRAM"):
        running.read_memory(0x13_FFFF, 2)


def test_a_trace_shows_what_each_instruction_changed():
    running = machine(
        START + "li t0, 5\nla t1, x\nsw t0, [t1], 4\nhalti 0\n.data\nx: .word 1\n", "both"
    )
    entries = list(running.trace(100))
    assert [entry.line.line for entry in entries if entry.line] == [3, 4, 5, 6]
    changes = [[(c.place, c.before, c.after) for c in entry.changes] for entry in entries]
    address = hex(running.symbol("x").value)
    after = hex(running.symbol("x").value + 4)
    assert changes == [
        [("x5", "0x0", "0x5")],
        [("x6", "0x0", address)],
        [("x6", address, after), (f"mem[{address}]", "0x1", "0x5")],
        [],
    ]
    assert entries[-1].stop is not None


def test_a_trace_leaves_out_writes_to_the_zero_register():
    running = machine(START + "addi x0, x0, 5\naddi a0, x0, 5\nhalti 0\n", "reference")
    first, *_ = running.trace(10)
    assert first.changes == ()
    assert running.read_register("a0") == 5


def test_the_native_engine_alone_can_not_be_watched():
    with pytest.raises(InputError, match="reference engine"):
        next(machine(START + "halti 0\n").trace(1))


def test_a_run_ends_when_much_is_printed():
    running = machine(START + "li a1, 1000\nli a0, 0x100\n1: print.text a0, a1\njump 1b\n")
    result = running.run(1000, printed_max=5000)
    assert (result.stop.reason, result.retired) == (StopReason.LIMIT, 2 + 2 * 5 - 1)
    running.printed.clear()
    assert running.run(1, printed_max=5000).retired == result.retired + 1
    running.run(100, printed_max=5000)
    assert 4 <= len(running.printed) <= 5


def test_a_fault_names_line_access_and_limits():
    running = machine(START + "    li a0, -8\n    ld a1, [a0]\n    halti 0\n")
    result = running.run(10)
    assert result.stop.fault is not None
    text = render(running.fault_diagnostic(result.stop.fault))
    assert text.startswith(
        "test.s:4:5: fault: load of 8 bytes at 0xfffffffffffffff8: SRAM is 0x100"
    )


def test_a_fault_below_a_deep_stack_says_so():
    running = machine(START + "addi sp, sp, -0x7000\naddi sp, sp, -0x7000\nlw a0, [x0]\n")
    result = running.run(10)
    assert result.stop.fault is not None
    assert render(running.fault_diagnostic(result.stop.fault)).count("hint:") == 1


def test_endless_recursion_into_the_code_names_the_stack():
    running = machine(START + "again: addi sp, sp, -16\nsd ra, [sp]\ncall again\n")
    fault = running.run(1_000_000).stop.fault
    assert fault is not None
    text = render(running.fault_diagnostic(fault))
    assert "stale code" in text
    assert text.endswith("bytes deep, 16384 are reserved")


@pytest.mark.parametrize(
    "text, told",
    [
        ("li t0, 4\nld a0, [t0+8]\n", ["\nnote: t0 is 0x4\n"]),
        ("la t0, x\nlw a0, [t0+5]\n", ["note: t0 is 0x140\nnote: 0x145 is `x` + 0x5\n"]),
        ("ret\n", ["note: ra is 0x0\nhint: is this a return without a call"]),
        ("li t0, -8\nld a0, [t0]\n", ["hint: as a signed number it is -8: is a pointer zero?"]),
        ("li t0, 1 << 60\nld a0, [t0]\n", ["hint: this is an address of another memory"]),
        ("jump x\n", ["illegal instruction word", "hint: this is data, `x`: does code run"]),
        ("li a0, 3\nli t1, 8\nsd a0, [t1]\n", ["\nnote: a0 is 0x3, t1 is 0x8\n"]),
    ],
)
@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_fault_names_the_values_that_led_to_it(text: str, told: list[str], engine: str):
    data = ".data\n.balign 64\nx: .word 0x7fffffff\n.space 60\n"
    running = machine(START + text + "halti 0\n" + data, engine)
    fault = running.run(10).stop.fault
    assert fault is not None
    shown = render(running.fault_diagnostic(fault)) + "\n"
    for words in told:
        assert words in shown


def test_running_off_the_end_names_the_last_instruction():
    running = machine(START + "nop\n")
    fault = running.run(10).stop.fault
    assert fault is not None
    assert "\nnote: test.s:3:1: the instruction before" in render(running.fault_diagnostic(fault))


def test_a_call_to_where_no_code_is_names_the_caller():
    running = machine(START + "li a0, 0x8000\njalr ra, [a0]\nhalti 0\n")
    fault = running.run(10).stop.fault
    assert fault is not None
    assert "\nnote: test.s:4:1: the last call" in render(running.fault_diagnostic(fault))


def test_sources_objects_and_images_make_programs(tmp_path: Path):
    main, other = tmp_path / "main.s", tmp_path / "other.s"
    main.write_text(".extern twice\n" + START + "li a0, 21\ncall twice\nhalt a0\n")
    other.write_text(".global twice\ntwice: add a0, a0, a0\nret\n")
    running = Machine(load_program([main, other], DESCRIPTION), DESCRIPTION)
    assert running.run(100).stop.code == 42


def test_a_program_may_be_in_an_archive(
    tmp_path: Path, make_archive: Callable[[Iterable[tuple[str, bytes]]], bytes]
):
    main, library = tmp_path / "main.s", tmp_path / "lib.a"
    main.write_text(".extern f\n.global _start\n_start: call f\nhalti 0\n", encoding="utf-8")
    member = assemble(Source("f.s", ".global f\nf: li a0, 7\nret\n"), DESCRIPTION).object
    library.write_bytes(make_archive([("f.o", encode_object(member))]))
    running = Machine(load_program([main, library], DESCRIPTION), DESCRIPTION)
    running.run(10)
    assert running.read_register("a0") == 7


def test_an_image_of_several_programs_is_refused():
    placed = [
        assemble(Source("p.s", f".program p{n}\n.place {n}, 0\n{START}halti 0"), DESCRIPTION).object
        for n in range(2)
    ]
    image = link(placed, DESCRIPTION.relocations, name="grid")
    with pytest.raises(InputError, match=r"grid: an image of 2 programs, .* does not fit one node"):
        Machine(image, DESCRIPTION)
    alone = link(placed[:1], DESCRIPTION.relocations, name="alone")
    assert Machine(alone, DESCRIPTION).run(10).stop.code == 0
