"""The IR of what the procedures of the mesh can't do by themselves: threads and memory."""

from enum import IntEnum

from dojo_tools.description.procedures import Procedures
from dojo_tools.engines.mesh import MeshShape
from dojo_tools.engines.native.layout import Exit
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.procedures import array_index


class Word(IntEnum):
    """Elements of the array `machine` that only this engine uses."""

    STATES = 40
    """Where the states of agents begin."""

    PLACES = 41
    """Where the addresses of the memories of nodes and DIP cards begin."""

    BUFFERS = 42
    """Where the bytes that transfers keep begin, `BUFFER_BYTES` for each."""

    CHANGED = 43
    """Where the marks of nodes whose code has been written begin, a byte each."""

    LIMIT = 44
    """Instructions that a thread may retire."""

    SLICE = 45
    """Instructions that it runs before the host looks."""

    END = 47
    """The cycle from which on no instruction may issue."""

    STEP_BITS = 48
    """No instruction that is translated takes more than two to the power of so many cycles."""


RUN_REGIONS = "run_regions"
"""The loop between regions, which is part of the same module."""

BUFFER_INSIDE = 64
"""Bytes that a transfer keeps without room of its own, a packet. Behind them: where they are."""

BUFFER_BYTES = 128


def externals_ir(
    procedures: Procedures,
    target: Target,
    shape: MeshShape,
    state_stride: int,
    slack: int,
    is_timed: bool,
) -> str:
    """Return the definitions of all externals."""
    layout = target.layout
    names = {
        "nodes": shape.nodes,
        "sram": shape.sram_bytes,
        "stride": state_stride,
        "buffer_bytes": BUFFER_BYTES,
        "buffer_inside": BUFFER_INSIDE,
        "run_regions": RUN_REGIONS,
        "slack": slack,
        "request_exit": int(Exit.REQUEST),
        "ran": procedures.constant("RAN"),
        "limit_exit": int(Exit.LIMIT),
        "written_exit": int(Exit.WRITTEN),
        "scalars": layout.files["x"],
        "vectors": layout.files["v"],
        **{f"{name}_offset": offset for name, offset in layout.fields.items()},
        **{f"array_{name}": array_index(procedures, name) for name in _ARRAYS},
        **{f"bits_{name}": procedures.index_bits()[name] for name in ("clock", "gives_way")},
        "give_way": procedures.constant("M_GIVE_WAY"),
        "gave_way": procedures.constant("GAVE_WAY"),
        **{f"word_{word.name.lower()}": int(word) for word in Word},
    }
    text = _TEXT
    parts = ("TIMED", "UNTIMED") if is_timed else ("UNTIMED", "TIMED")
    text = _keep(text, *parts)
    for name in sorted(names, key=len, reverse=True):
        text = text.replace(f"${name}", str(names[name]))
    assert "$" not in text, text[text.index("$") :][:40]
    return text


def _keep(text: str, kept: str, dropped: str) -> str:
    """Return the text without the lines of the other variant."""
    lines = [line for line in text.splitlines() if not line.rstrip().endswith(f"; {dropped}")]
    return "\n".join(line.removesuffix(f"; {kept}").rstrip() for line in lines)


_ARRAYS = ("machine", "clock", "gives_way")

_TEXT = """\
declare ptr @malloc(i64)
declare void @free(ptr)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @llvm.cttz.i64(i64, i1)

define internal i64 @lowest_bit(ptr %mesh, i64 %word) alwaysinline nounwind {
  %number = call i64 @llvm.cttz.i64(i64 %word, i1 true)
  ret i64 %number
}

define internal i64 @machine_word(ptr %mesh, i64 %index) alwaysinline nounwind {
  %slot = getelementptr inbounds ptr, ptr %mesh, i64 $array_machine
  %machine = load ptr, ptr %slot, align 8
  %place = getelementptr inbounds i64, ptr %machine, i64 %index
  %word = load i64, ptr %place, align 8
  ret i64 %word
}

define internal ptr @machine_place(ptr %mesh, i64 %word, i64 %offset) alwaysinline nounwind {
  %base = call i64 @machine_word(ptr %mesh, i64 %word)
  %address = add i64 %base, %offset
  %place = inttoptr i64 %address to ptr
  ret ptr %place
}

define internal ptr @element_of(ptr %mesh, i64 %array, i64 %index) alwaysinline nounwind {
  %slot = getelementptr inbounds ptr, ptr %mesh, i64 %array
  %base = load ptr, ptr %slot, align 8
  %place = getelementptr inbounds i64, ptr %base, i64 %index
  ret ptr %place
}

define internal ptr @memory_of(ptr %mesh, i64 %place) alwaysinline nounwind {
  %offset = shl i64 %place, 3
  %slot = call ptr @machine_place(ptr %mesh, i64 $word_places, i64 %offset)
  %memory = load ptr, ptr %slot, align 8
  ret ptr %memory
}

define internal ptr @buffer_of(ptr %mesh, i64 %transfer) alwaysinline nounwind {
  %offset = mul i64 %transfer, $buffer_bytes
  %buffer = call ptr @machine_place(ptr %mesh, i64 $word_buffers, i64 %offset)
  ret ptr %buffer
}

define internal ptr @kept_slot(ptr %buffer) alwaysinline nounwind {
  %slot = getelementptr inbounds i8, ptr %buffer, i64 $buffer_inside
  ret ptr %slot
}

define internal ptr @state_of(ptr %mesh, i64 %agent) alwaysinline nounwind {
  %offset = mul i64 %agent, $stride
  %state = call ptr @machine_place(ptr %mesh, i64 $word_states, i64 %offset)
  ret ptr %state
}

define internal i64 @run_thread(ptr %mesh, i64 %agent) nounwind {
  %node = lshr i64 %agent, 3
  %changed_place = call ptr @machine_place(ptr %mesh, i64 $word_changed, i64 %node)
  %changed = load i8, ptr %changed_place, align 1
  %is_changed = icmp ne i8 %changed, 0
  %state = call ptr @state_of(ptr %mesh, i64 %agent)
  %clock_word = shl i64 %agent, $bits_clock
  %clock_place = call ptr @element_of(ptr %mesh, i64 $array_clock, i64 %clock_word)
  %way_word = shl i64 %agent, $bits_gives_way
  %way_place = call ptr @element_of(ptr %mesh, i64 $array_gives_way, i64 %way_word)
  br i1 %is_changed, label %code_changed, label %begin
code_changed:
  ret i64 $written_exit
begin:
  %last_place = getelementptr inbounds i8, ptr %state, i64 $last_offset
  %left_place = getelementptr inbounds i8, ptr %state, i64 $left_offset
  %last_before = load i64, ptr %last_place, align 8
  %left_before = load i64, ptr %left_place, align 8
  %retired_before = sub i64 %last_before, %left_before
  %slice = call i64 @machine_word(ptr %mesh, i64 $word_slice)
  %slice_end = add i64 %retired_before, %slice
  %way_before = load i64, ptr %way_place, align 8
  %is_new = icmp eq i64 %way_before, 0
  %way_length = call i64 @machine_word(ptr %mesh, i64 $give_way)
  %way_new = add i64 %retired_before, %way_length
  %way = select i1 %is_new, i64 %way_new, i64 %way_before
  store i64 %way, ptr %way_place, align 8
  %limit_all = call i64 @machine_word(ptr %mesh, i64 $word_limit)
  %limit = call i64 @llvm.smin.i64(i64 %limit_all, i64 %way)
  br label %look
look:
  %last = load i64, ptr %last_place, align 8
  %left = load i64, ptr %left_place, align 8
  %retired = sub i64 %last, %left
  %to_limit = sub i64 %limit, %retired
  %clock = load i64, ptr %clock_place, align 8
  %end = call i64 @machine_word(ptr %mesh, i64 $word_end)
  %to_end = sub i64 %end, %clock
  %step_bits = call i64 @machine_word(ptr %mesh, i64 $word_step_bits)
  %cycles_before = sub i64 %to_end, 1
  %before_end = ashr i64 %cycles_before, %step_bits
  %all = call i64 @llvm.smin.i64(i64 %before_end, i64 %to_limit)
  %room = sub i64 %all, $slack
  %space_place = getelementptr inbounds i8, ptr %state, i64 $space_offset
  %stepping_place = getelementptr inbounds i8, ptr %state, i64 $stepping_space_offset
  %is_near = icmp sle i64 %room, 0
  br i1 %is_near, label %near, label %go
near:
  %left_exactly = call i64 @llvm.smin.i64(i64 %to_end, i64 %to_limit) ; UNTIMED
  %is_full = icmp sle i64 %left_exactly, 0 ; UNTIMED
  %is_full = icmp sle i64 %to_limit, 0 ; TIMED
  br i1 %is_full, label %full, label %go
full:
  %is_at_limit = icmp sle i64 %limit_all, %retired
  %is_on_its_way = icmp sgt i64 %to_limit, 0
  %is_limit = or i1 %is_at_limit, %is_on_its_way
  %full_code = select i1 %is_limit, i64 $limit_exit, i64 $gave_way
  ret i64 %full_code
go:
  %most = phi i64 [%room, %look], [%left_exactly, %near] ; UNTIMED
  %most = phi i64 [%room, %look], [%to_limit, %near] ; TIMED
  %space_slot = phi ptr [%space_place, %look], [%stepping_place, %near]
  %is_short = icmp slt i64 %most, %slice
  %count = select i1 %is_short, i64 %most, i64 %slice
  %more = sub i64 %count, 1
  %new_last = add i64 %retired, %more
  store i64 %new_last, ptr %last_place, align 8
  store i64 %more, ptr %left_place, align 8
  %end_place = getelementptr inbounds i8, ptr %state, i64 $end_offset
  store i64 %end, ptr %end_place, align 8
  %cycles_place = getelementptr inbounds i8, ptr %state, i64 $cycles_offset
  %start = sub i64 %clock, %retired ; UNTIMED
  store i64 %start, ptr %cycles_place, align 8 ; UNTIMED
  store i64 %clock, ptr %cycles_place, align 8 ; TIMED
  %space = load ptr, ptr %space_slot, align 8
  %table = load i64, ptr %space, align 8
  %mask_place = getelementptr inbounds i64, ptr %space, i64 1
  %mask = load i64, ptr %mask_place, align 8
  %to_table = getelementptr inbounds i8, ptr %state, i64 $table_offset
  store i64 %table, ptr %to_table, align 8
  %to_mask = getelementptr inbounds i8, ptr %state, i64 $table_mask_offset
  store i64 %mask, ptr %to_mask, align 8
  %memory = call ptr @memory_of(ptr %mesh, i64 %node)
  %exit = call i32 @$run_regions(ptr %state, ptr %memory)
  %code = zext i32 %exit to i64
  %cycles = load i64, ptr %cycles_place, align 8
  %left_now = load i64, ptr %left_place, align 8 ; UNTIMED
  %retired_now = sub i64 %new_last, %left_now ; UNTIMED
  %clock_now = add i64 %cycles, %retired_now ; UNTIMED
  store i64 %clock_now, ptr %clock_place, align 8 ; UNTIMED
  store i64 %cycles, ptr %clock_place, align 8 ; TIMED
  %asks = icmp eq i64 %code, $request_exit
  br i1 %asks, label %asked, label %other
asked:
  ret i64 $ran
other:
  %left_after = load i64, ptr %left_place, align 8
  %is_over = icmp slt i64 %left_after, 0
  %is_limit_exit = icmp eq i64 %code, $limit_exit
  %has_run = sub i64 %new_last, %left_after
  %is_in_slice = icmp slt i64 %has_run, %slice_end
  %all_run = and i1 %is_over, %is_limit_exit
  %again = and i1 %all_run, %is_in_slice
  br i1 %again, label %look, label %back
back:
  ret i64 %code
}

define internal i64 @answer(ptr %mesh, i64 %agent, i64 %value) nounwind {
  %state = call ptr @state_of(ptr %mesh, i64 %agent)
  %result_place = getelementptr inbounds i8, ptr %state, i64 $request_result_offset
  %result = load i64, ptr %result_place, align 8
  %is_kept = icmp ne i64 %result, 0
  br i1 %is_kept, label %keep, label %end
keep:
  %registers = getelementptr inbounds i8, ptr %state, i64 $scalars
  %place = getelementptr inbounds i64, ptr %registers, i64 %result
  store i64 %value, ptr %place, align 8
  br label %end
end:
  ret i64 0
}

define internal void @note_write(ptr %mesh, i64 %place, i64 %address, i64 %size) nounwind {
  %is_node = icmp ult i64 %place, $nodes
  br i1 %is_node, label %begin, label %end
begin:
  %memory = call ptr @memory_of(ptr %mesh, i64 %place)
  %marks = getelementptr inbounds i8, ptr %memory, i64 $sram
  %first = lshr i64 %address, 6
  %behind = add i64 %address, %size
  %inside = sub i64 %behind, 1
  %last = lshr i64 %inside, 6
  br label %look
look:
  %line = phi i64 [%first, %begin], [%next, %other]
  %mark_place = getelementptr inbounds i8, ptr %marks, i64 %line
  %mark = load i8, ptr %mark_place, align 1
  %is_marked = icmp ne i8 %mark, 0
  br i1 %is_marked, label %note, label %other
other:
  %next = add i64 %line, 1
  %more = icmp ule i64 %next, %last
  br i1 %more, label %look, label %end
note:
  %changed = call ptr @machine_place(ptr %mesh, i64 $word_changed, i64 %place)
  store i8 1, ptr %changed, align 1
  br label %end
end:
  ret void
}

define internal i64 @load(ptr %mesh, i64 %node, i64 %address, i64 %size) nounwind {
  %memory = call ptr @memory_of(ptr %mesh, i64 %node)
  %place = getelementptr inbounds i8, ptr %memory, i64 %address
  switch i64 %size, label %eight [i64 1, label %one i64 2, label %two i64 4, label %four]
one:
  %a = load i8, ptr %place, align 1
  %aa = zext i8 %a to i64
  ret i64 %aa
two:
  %b = load i16, ptr %place, align 2
  %bb = zext i16 %b to i64
  ret i64 %bb
four:
  %c = load i32, ptr %place, align 4
  %cc = zext i32 %c to i64
  ret i64 %cc
eight:
  %d = load i64, ptr %place, align 8
  ret i64 %d
}

define internal i64 @store(ptr %mesh, i64 %node, i64 %address, i64 %size, i64 %value) nounwind {
  %memory = call ptr @memory_of(ptr %mesh, i64 %node)
  %place = getelementptr inbounds i8, ptr %memory, i64 %address
  switch i64 %size, label %eight [i64 1, label %one i64 2, label %two i64 4, label %four]
one:
  %a = trunc i64 %value to i8
  store i8 %a, ptr %place, align 1
  br label %end
two:
  %b = trunc i64 %value to i16
  store i16 %b, ptr %place, align 2
  br label %end
four:
  %c = trunc i64 %value to i32
  store i32 %c, ptr %place, align 4
  br label %end
eight:
  store i64 %value, ptr %place, align 8
  br label %end
end:
  call void @note_write(ptr %mesh, i64 %node, i64 %address, i64 %size)
  ret i64 0
}

define internal void @copy_row(ptr %to, ptr %from, i64 %size) alwaysinline nounwind {
  %is_packet = icmp eq i64 %size, 64
  br i1 %is_packet, label %packet, label %row
packet:
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 64, i1 false)
  ret void
row:
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %to, ptr align 8 %from, i64 %size, i1 false)
  ret void
}

define internal i64 @snapshot(ptr %mesh, i64 %transfer, i64 %place, i64 %address, i64 %row_bytes, i64 %rows, i64 %pitch) nounwind {
entry:
  %memory = call ptr @memory_of(ptr %mesh, i64 %place)
  %size = mul i64 %row_bytes, %rows
  %buffer = call ptr @buffer_of(ptr %mesh, i64 %transfer)
  %fits = icmp ule i64 %size, $buffer_inside
  br i1 %fits, label %begin, label %apart
apart:
  %room = call ptr @malloc(i64 %size)
  br label %begin
begin:
  %kept = phi ptr [%buffer, %entry], [%room, %apart]
  %slot = call ptr @kept_slot(ptr %buffer)
  store ptr %kept, ptr %slot, align 8
  br label %copy
copy:
  %row = phi i64 [0, %begin], [%next, %copy]
  %from_offset = mul i64 %row, %pitch
  %from_address = add i64 %address, %from_offset
  %from = getelementptr inbounds i8, ptr %memory, i64 %from_address
  %to_offset = mul i64 %row, %row_bytes
  %to = getelementptr inbounds i8, ptr %kept, i64 %to_offset
  call void @copy_row(ptr %to, ptr %from, i64 %row_bytes)
  %next = add i64 %row, 1
  %more = icmp ult i64 %next, %rows
  br i1 %more, label %copy, label %end
end:
  ret i64 0
}

define internal i64 @snapshot_register(ptr %mesh, i64 %transfer, i64 %agent, i64 %file, i64 %index) nounwind {
  %state = call ptr @state_of(ptr %mesh, i64 %agent)
  %is_vector = icmp eq i64 %file, 1
  %base = select i1 %is_vector, i64 $vectors, i64 $scalars
  %shift = select i1 %is_vector, i64 6, i64 3
  %size = shl i64 1, %shift
  %offset = shl i64 %index, %shift
  %start = add i64 %base, %offset
  %from = getelementptr inbounds i8, ptr %state, i64 %start
  %buffer = call ptr @buffer_of(ptr %mesh, i64 %transfer)
  %slot = call ptr @kept_slot(ptr %buffer)
  store ptr %buffer, ptr %slot, align 8
  call void @llvm.memcpy.p0.p0.i64(ptr align 8 %buffer, ptr align 8 %from, i64 %size, i1 false)
  ret i64 0
}

define internal i64 @deliver(ptr %mesh, i64 %transfer, i64 %place, i64 %address, i64 %row_bytes, i64 %rows, i64 %pitch) nounwind {
entry:
  %memory = call ptr @memory_of(ptr %mesh, i64 %place)
  %buffer = call ptr @buffer_of(ptr %mesh, i64 %transfer)
  %slot = call ptr @kept_slot(ptr %buffer)
  %kept = load ptr, ptr %slot, align 8
  br label %copy
copy:
  %row = phi i64 [0, %entry], [%next, %copy]
  %to_offset = mul i64 %row, %pitch
  %to_address = add i64 %address, %to_offset
  %to = getelementptr inbounds i8, ptr %memory, i64 %to_address
  %from_offset = mul i64 %row, %row_bytes
  %from = getelementptr inbounds i8, ptr %kept, i64 %from_offset
  call void @copy_row(ptr %to, ptr %from, i64 %row_bytes)
  call void @note_write(ptr %mesh, i64 %place, i64 %to_address, i64 %row_bytes)
  %next = add i64 %row, 1
  %more = icmp ult i64 %next, %rows
  br i1 %more, label %copy, label %end
end:
  ret i64 0
}

define internal i64 @release(ptr %mesh, i64 %transfer) nounwind {
  %buffer = call ptr @buffer_of(ptr %mesh, i64 %transfer)
  %slot = call ptr @kept_slot(ptr %buffer)
  %kept = load ptr, ptr %slot, align 8
  %is_inside = icmp eq ptr %kept, %buffer
  br i1 %is_inside, label %end, label %apart
apart:
  call void @free(ptr %kept)
  br label %end
end:
  ret i64 0
}
"""  # noqa: E501  a signature of IR is a line
