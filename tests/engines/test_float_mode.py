"""Translated code rounds and keeps denormals as it has to, whatever its caller has set."""

import ctypes
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native.compiler import compiler
from dojo_tools.linker import link
from dojo_tools.machine import Machine
from dojo_tools.machine.mesh import Mesh

DESCRIPTION = load_description()
OWN = 0x1F80
SETTINGS = 0xFFC0
FLUSHING = 0x8040
UPWARD = 0x4000
PROGRAM = """        .global _start
_start: la      a0, numbers
        vld     v0, [a0]
        vadd.f32 v1, v0, v0
        vsplat.f32 v2, v0, 1
        vmul.f32 v3, v0, v2
        vdiv.f32 v4, v0, v2
        halti   0
        .rodata
        .balign 64
numbers: .word  1, 0x3f800001, 0x40490fdb, 0x007fffff, 0x00800000, 0x80000003
        .word   0x3eaaaaab, 0x7f7fffff
        .zero   32
"""
HELPERS = """
declare void @llvm.x86.sse.ldmxcsr(ptr)
declare void @llvm.x86.sse.stmxcsr(ptr)
define i32 @exchange(i32 %new) nounwind {
  %old = alloca i32, align 4
  %given = alloca i32, align 4
  store i32 %new, ptr %given, align 4
  call void @llvm.x86.sse.stmxcsr(ptr %old)
  call void @llvm.x86.sse.ldmxcsr(ptr %given)
  %found = load i32, ptr %old, align 4
  ret i32 %found
}
"""


IMAGE = link([assemble(Source("t.s", PROGRAM), DESCRIPTION).object], DESCRIPTION.relocations)


def on_a_node(within: AbstractContextManager[None]) -> list[object]:
    """Return the results of a run on one node, which the dispatcher's own function runs."""
    machine = Machine(IMAGE, DESCRIPTION)
    with within:
        machine.run(100)
    return [machine.read_register(f"v{number}") for number in range(1, 5)]


def on_a_mesh(within: AbstractContextManager[None]) -> list[object]:
    """Return those of node 3 of a mesh, where workers set the mode."""
    mesh = Mesh(IMAGE, DESCRIPTION, load_machine("small"), grid=(2, 2))
    with within:
        mesh.run()
    thread = mesh.engine.thread(list(mesh.agents())[3])
    return [thread.read_register(f"v{number}") for number in range(1, 5)]


@pytest.mark.skipif(not compiler().is_x86, reason="the mode of x86 is set by a register of its own")
@pytest.mark.parametrize("results", [on_a_node, on_a_mesh])
@pytest.mark.parametrize("mode", [OWN | FLUSHING, OWN | UPWARD, OWN | FLUSHING | UPWARD])
def test_the_mode_of_the_caller_changes_nothing_and_is_put_back(
    mode: int, results: Callable[[AbstractContextManager[None]], list[object]]
):
    address = compiler().compile(HELPERS, "exchange", "quick")
    exchange = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)(address)

    @contextmanager
    def in_mode() -> Generator[None]:
        before = exchange(mode)
        try:
            yield
        finally:
            after = exchange(before)
        assert after & SETTINGS == mode & SETTINGS

    assert results(in_mode()) == results(nullcontext())
