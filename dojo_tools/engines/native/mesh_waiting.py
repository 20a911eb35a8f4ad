"""The IR of how workers share dies: single steps on memory that all of them see, and waiting.

Windows are short, some microseconds where little happens, so a worker that waits first looks again
and again, then lets other threads of the host run, and sleeps only when it has long waited in vain.
"""

from dojo_tools.description.procedure_model import APART_BITS
from dojo_tools.description.procedures import Procedures
from dojo_tools.engines.native.procedures import array_index

LOOKS = 1000
"""Turns in which a worker only looks again: some 20 us."""

YIELDS = 20_000
"""Turns after them in which other threads of the host may run."""

SLEEP_MICROSECONDS = 50
"""How long each later turn takes, at least."""


def waiting_ir(procedures: Procedures, is_x86: bool) -> str:
    """Return the definitions of the externals of workers."""
    names = {
        "shared": array_index(procedures, "shared"),
        "taken": array_index(procedures, "taken"),
        "apart": APART_BITS,
        "looks": LOOKS,
        "yields": LOOKS + YIELDS,
        "sleep": SLEEP_MICROSECONDS,
        "pause": "call void @llvm.x86.sse2.pause()" if is_x86 else "",
        "declare": "declare void @llvm.x86.sse2.pause()" if is_x86 else "",
    }
    text = _TEXT
    for name, value in names.items():
        text = text.replace(f"${name}", str(value))
    assert "$" not in text, text[text.index("$") :][:40]
    return text


_TEXT = """
$declare
declare i32 @sched_yield()
declare i32 @usleep(i32)

define internal ptr @apart_of(ptr %mesh, i64 %array, i64 %index) alwaysinline nounwind {
  %slot = getelementptr inbounds ptr, ptr %mesh, i64 %array
  %base = load ptr, ptr %slot, align 8
  %word = shl i64 %index, $apart
  %place = getelementptr inbounds i64, ptr %base, i64 %word
  ret ptr %place
}

define internal i64 @observe(ptr %mesh, i64 %index) nounwind {
  %place = call ptr @apart_of(ptr %mesh, i64 $shared, i64 %index)
  %value = load atomic i64, ptr %place acquire, align 8
  ret i64 %value
}

define internal i64 @publish(ptr %mesh, i64 %index, i64 %value) nounwind {
  %place = call ptr @apart_of(ptr %mesh, i64 $shared, i64 %index)
  store atomic i64 %value, ptr %place release, align 8
  ret i64 0
}

define internal i64 @count_up(ptr %mesh, i64 %index) nounwind {
  %place = call ptr @apart_of(ptr %mesh, i64 $shared, i64 %index)
  %before = atomicrmw add ptr %place, i64 1 acq_rel, align 8
  %sum = add i64 %before, 1
  ret i64 %sum
}

define internal i64 @claim(ptr %mesh, i64 %die, i64 %window) nounwind {
  %place = call ptr @apart_of(ptr %mesh, i64 $taken, i64 %die)
  %seen = load atomic i64, ptr %place acquire, align 8
  %is_free = icmp slt i64 %seen, %window
  br i1 %is_free, label %try, label %late
try:
  %before = atomicrmw max ptr %place, i64 %window acq_rel, align 8
  %is_mine = icmp slt i64 %before, %window
  %result = zext i1 %is_mine to i64
  ret i64 %result
late:
  ret i64 0
}

define internal i64 @rest(ptr %mesh, i64 %turn) nounwind {
  %is_short = icmp sle i64 %turn, $looks
  br i1 %is_short, label %look, label %longer
look:
  $pause
  ret i64 0
longer:
  %is_yield = icmp sle i64 %turn, $yields
  br i1 %is_yield, label %yield, label %sleep
yield:
  %yielded = call i32 @sched_yield()
  ret i64 0
sleep:
  %slept = call i32 @usleep(i32 $sleep)
  ret i64 0
}
"""
