"""The loop between regions: finds the translation for an address and runs it, in native code.

Translations stand in an open hash table whose size is a power of two. An entry has four words: the
key, the function, where the region's counters stand among the thread's, and one that is free. A key
is the address and, above its 32 bits, the number of the scoreboard's shape.

Who calls may have set the processor to flush denormals or to round otherwise, as libraries compiled
with -ffast-math do: the loop looks once, and puts back what it found.
"""

from collections.abc import Sequence

from dojo_tools.engines.native.builder import FunctionBuilder, Module
from dojo_tools.engines.native.layout import Exit
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.memory import MemoryBuilder

FUNCTION = "run"
_LOOP = "loop"
FREE = (1 << 64) - 1
ENTRY_WORDS = 4
_MXCSR = 0x1F80
"""x86's register of float modes as processes start with it: all exceptions masked, no more."""

_MXCSR_SETTINGS = 0xFFC0
"""Its bits but for the sticky flags of exceptions."""

_SPREAD = 0x9E3779B97F4A7C15  # 2^64 / golden ratio: Fibonacci hashing


def key_of(pc: int, shape: int) -> int:
    """Return the key of a translation."""
    return shape << 32 | pc


def entry_of(key: int) -> tuple[int, int]:
    """Return the address and the shape that a key is of."""
    return key & FREE >> 32, key >> 32


def place_of(key: int, table_mask: int) -> int:
    """Return where the search for a key begins."""
    return (key * _SPREAD & FREE) >> 32 & table_mask


def dispatcher(target: Target, is_x86: bool) -> str:
    """Return the IR of the loop: `i32 run(state, memory)` returns an `Exit` other than CONTINUE.

    On processors other than x86 the mode of floats is taken as it is.
    """
    call = in_float_mode(FUNCTION, f"i32 @{_LOOP}", ("ptr", "ptr"), is_x86)
    return f"{bare_dispatcher(target, _LOOP)}\n{call}"


def bare_dispatcher(target: Target, name: str) -> str:
    """Return the IR of the loop alone, a function of the module that it becomes part of."""
    f = FunctionBuilder(Module())
    memory = MemoryBuilder(target, f)
    f.line("br label %next")
    f.start("next")
    f.branch(f.emit(f"icmp slt i64 {memory.load_field('left')}, 0"), "limit", "search")
    f.start("search")
    pc, shape = memory.load_field("pc"), memory.load_field("shape")
    high = f.emit(f"shl i64 {shape}, 32")
    key = f.emit(f"or i64 {pc}, {high}")
    table_mask = memory.load_field("table_mask")
    table = f.emit(f"inttoptr i64 {memory.load_field('table')} to ptr")
    hashed = f.emit(f"lshr i64 {f.emit(f'mul i64 {key}, {_SPREAD}')}, 32")
    first = f.emit(f"and i64 {hashed}, {table_mask}")
    f.line("br label %probe")
    f.start("probe")
    place = f.emit(f"phi i64 [{first}, %search], [%following, %other]")
    offset = f.emit(f"shl i64 {place}, 5")
    entry = f.emit(f"getelementptr i8, ptr {table}, i64 {offset}")
    found = f.emit(f"load i64, ptr {entry}, align 8")
    f.branch(f.emit(f"icmp eq i64 {found}, {key}"), "call", "other")
    f.start("other")
    f.line(f"%following.0 = add i64 {place}, 1")
    f.line(f"%following = and i64 %following.0, {table_mask}")
    f.branch(f.emit(f"icmp eq i64 {found}, -1"), "missing", "probe")
    f.start("call")
    slot = f.emit(f"getelementptr i8, ptr {entry}, i64 8")
    function = f.emit(f"load ptr, ptr {slot}, align 8")
    slot = f.emit(f"getelementptr i8, ptr {entry}, i64 16")
    first = f.emit(f"load i64, ptr {slot}, align 8")
    base = f.emit(f"inttoptr i64 {memory.load_field('counters')} to ptr")
    counters = f.emit(f"getelementptr i64, ptr {base}, i64 {first}")
    code = f.emit(f"call i32 {function}(ptr %s, ptr %m, ptr {counters})")
    f.branch(f.emit(f"icmp eq i32 {code}, {int(Exit.CONTINUE)}"), "next", "stop")
    f.start("stop")
    f.line("br label %end")
    f.start("limit")
    f.line("br label %end")
    f.start("missing")
    f.line("br label %end")
    f.start("end")
    exits = f"[{code}, %stop], [{int(Exit.LIMIT)}, %limit], [{int(Exit.MISSING)}, %missing]"
    left = f.emit(f"phi i32 {exits}")
    f.line(f"ret i32 {left}")
    head = f"define internal i32 @{name}(ptr %s, ptr %m) alwaysinline nounwind {{"
    return "\n".join([f.module.text(), head, "entry:", *f.lines, "}"])


def in_float_mode(name: str, inner: str, types: Sequence[str], is_x86: bool) -> str:
    """Return the IR of a function that calls an inner one of the same types in the mode of guests.

    They round to nearest, keep denormals and trap nothing. What was set before is put back.
    """
    result = inner.split()[0]
    values = ", ".join(f"{kind} %{index}" for index, kind in enumerate(types))
    call = f"  %result = call {inner}({values})"
    head = f"define {result} @{name}({values}) nounwind {{\nentry:"
    if not is_x86:
        return f"{head}\n{call}\n  ret {result} %result\n}}\n"
    return f"""\
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)

{head}
  %mode = alloca i32, align 4
  %own = alloca i32, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %mode)
  %found = load i32, ptr %mode, align 4
  %settings = and i32 %found, {_MXCSR_SETTINGS}
  %is_own = icmp eq i32 %settings, {_MXCSR}
  br i1 %is_own, label %ready, label %foreign
foreign:
  store i32 {_MXCSR}, ptr %own, align 4
  call void @llvm.x86.sse.ldmxcsr(ptr %own)
  br label %ready
ready:
{call}
  br i1 %is_own, label %end, label %restore
restore:
  call void @llvm.x86.sse.ldmxcsr(ptr %mode)
  br label %end
end:
  ret {result} %result
}}
"""
