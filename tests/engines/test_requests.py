"""What a thread asks of the machine around it, on both engines."""

from collections.abc import Callable

import pytest

from dojo_tools.description import Description, Instruction, InstructionDef, encode, load_machine
from dojo_tools.description.library import load_description
from dojo_tools.engines.examples import run_example
from dojo_tools.engines.lockstep import LockstepThread
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.request import NO_REQUEST, request_of
from dojo_tools.engines.stop import StopReason
from dojo_tools.engines.thread import Thread
from dojo_tools.engines.timing import IssueRule

START, SRAM, LOW = 0x1000, 0x1_0000, 0x100

EXTENSION = """
provenance chosen "test"
instruction t.try xd, xa, xb
    "Ask on one of two paths."
    encoding R op=user0 func11=1
    timing front latency=1
    example xa = 3, xb = 5 -> request semaphore_try(3, 5), pc = 0x1004
    example xa = 3, xb = -1 -> request semaphore_try(3, -1)
    example xa = 3, xb = 0 -> xd = 1
    { if xb == 0 { xd = 1 } else { xd = semaphore_try(xa, xb) } }
instruction t.left xd
    "Ask without arguments."
    encoding R op=user0 a=0 b=0 func11=2
    timing front latency=1
    example -> request list_state()
    { xd.u64 = list_state() }
instruction t.jump xa, xb
    "Ask, and go on elsewhere."
    encoding R op=user0 d=0 func11=3
    timing front latency=1
    example xa = 0x2000, xb = 9 -> request semaphore_post(9, 1), pc = 0x2000
    example xa = 0x2002 -> fault pc
    { pc = xa semaphore_post(xb, 1) }
instruction t.push va, xb
    "Name a register by its number."
    encoding R op=user0 d=0 func11=4
    timing front latency=1
    example xb = 9 -> request push_register(0, 9, 1, 1, 64, 0)
    { push_register(0, xb, 1, number(va), 64, 0) }
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Description:
    path = tmp_path_factory.mktemp("isa") / "extension.isa"
    path.write_text(EXTENSION)
    return load_description([path])


def threads(description: Description) -> dict[str, Callable[[], Thread]]:
    rule = IssueRule(description, load_machine("node"))

    def reference() -> ReferenceThread:
        return ReferenceThread(description, SRAM, LOW, rule=rule)

    def native() -> NativeThread:
        return NativeThread(description, SRAM, LOW, timeline=Timeline(rule))

    def both() -> LockstepThread:
        return LockstepThread(lambda: (reference(), native()))

    return {"reference": reference, "native": native, "both": both}


def load(thread: Thread, *uses: tuple[str, tuple[int, ...]]) -> None:
    words: list[int] = []
    for mnemonic, values in uses:
        definition = thread.description.mnemonics[mnemonic][0]
        assert isinstance(definition, InstructionDef)
        words.append(encode(Instruction(definition, values)))
    thread.write_memory(START, b"".join(word.to_bytes(4, "little") for word in words))
    thread.pc = START


def test_examples_promise_requests(extended: Description):
    for definition in extended.instructions:
        if definition.mnemonic.startswith("t."):
            for example in definition.examples:
                assert run_example(ReferenceThread, extended, definition, example) == []
                assert run_example(NativeThread, extended, definition, example) == []


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_a_request_stops_the_run_and_the_answer_goes_on(extended: Description, engine: str):
    thread = threads(extended)[engine]()
    asks = ("t.try", (3, 1, 2))
    load(thread, ("addi", (1, 0, 7)), ("div", (2, 1, 1)), asks, ("add", (4, 3, 3)), ("halt", (4,)))
    assert thread.request == NO_REQUEST
    stop = thread.run(100)
    assert (stop.reason, thread.pc, thread.retired) == (StopReason.REQUEST, START + 12, 3)
    assert thread.request == request_of("semaphore_try", 3, 7, 1)
    assert thread.cycles > 8, "it waits until the division is done"
    thread.write_register(f"x{thread.request.result}", 21)
    stop = thread.run(100)
    assert (stop.reason, stop.code) == (StopReason.HALT, 42)


@pytest.mark.parametrize("engine", ["reference", "native", "both"])
def test_a_path_without_a_request_runs_on(extended: Description, engine: str):
    thread = threads(extended)[engine]()
    load(thread, ("t.try", (3, 1, 2)), ("halt", (3,)))
    assert thread.run(100).code == 1
    assert thread.request == NO_REQUEST


def test_an_answer_to_x0_is_for_nobody(extended: Description):
    thread = threads(extended)["both"]()
    load(thread, ("t.left", (0,)))
    assert thread.run(100).reason is StopReason.REQUEST
    assert thread.request == request_of("list_state", 0)
