"""The issue rule as a function: what it derives of instructions, and that it keeps its promises."""

import itertools
import random

import pytest

from dojo_tools.description import Instruction, InstructionDef, load_description, load_machine
from dojo_tools.engines.timing import (
    EMPTY,
    Branch,
    Cause,
    Issued,
    IssueRule,
    IssueTable,
    Share,
    TimedInstruction,
)

DESCRIPTION = load_description()
MACHINE = load_machine("node")
RULE = IssueRule(DESCRIPTION, MACHINE)


def instruction(definition: InstructionDef, number: int = 0) -> Instruction:
    """Return a use of a definition with one number for every operand."""
    return Instruction(definition, (number,) * len(definition.operands))


def random_instruction(rng: random.Random) -> TimedInstruction:
    definition = rng.choice(DESCRIPTION.instructions)
    values = [
        rng.choice([code for _, code in kind.names]) if kind.names else kind.low
        for kind in definition.operands
    ]
    return RULE.timed(Instruction(definition, tuple(values)))


def test_equal_timing_is_one_object():
    definition = DESCRIPTION.mnemonics["addi"][0]
    one, other = (
        RULE.timed(Instruction(definition, (1, 2, number)))  # pyright: ignore[reportArgumentType]  an instruction
        for number in (5, 6)
    )
    assert one is other


@pytest.mark.parametrize("seed", range(20))
def test_causes_sum_to_the_cycles_and_shapes_are_normal(seed: int):
    rng = random.Random(seed)
    shape = EMPTY
    for _ in range(500):
        timed = random_instruction(rng)
        issued = RULE.issue(shape, timed, rng.random() < 0.5)
        assert sum(cycles for _, cycles in issued.causes) == issued.cycles >= issued.wait >= 0
        assert all(cycles > 0 for _, cycles in issued.causes)
        shape = issued.shape
        assert all(offset > 0 for _, offset in (*shape.busy, *shape.ready))
        assert list(shape.busy) == sorted(shape.busy)
        assert list(shape.ready) == sorted(shape.ready)
        widths = [MACHINE.issue.of(name) for name in ("scalar", "vector", "front")]
        assert all(used <= width for used, width in zip(shape.slots, widths, strict=True))
        if timed.drains:
            assert shape == EMPTY


def test_no_resource_is_held_more_often_than_there_are():
    rng = random.Random(1)
    shape = EMPTY
    units = [unit.count for unit in MACHINE.units] + [port.count for port in MACHINE.ports]
    for _ in range(5000):
        shape = RULE.issue(shape, random_instruction(rng), False).shape
        for resource, held in itertools.groupby(shape.busy, key=lambda pair: pair[0]):
            assert len(list(held)) <= units[resource]


def test_the_table_says_what_the_rule_says():
    rng = random.Random(2)
    table = IssueTable(RULE)
    state, shape = table.empty, EMPTY
    for _ in range(3000):
        timed, taken = random_instruction(rng), rng.random() < 0.5
        issued = RULE.issue(shape, timed, taken)
        *moved, state = table.step(state, timed, taken)
        shape = issued.shape
        assert moved == [issued.wait, issued.cycles, issued.causes]
        assert state.shape == shape


def test_every_branch_kind_is_found():
    kinds = {RULE.timed(instruction(d)).branch for d in DESCRIPTION.instructions}
    assert kinds == set(Branch)


def test_a_share_takes_its_turns():
    rule = IssueRule(DESCRIPTION, MACHINE, Share(1, 4))
    product = next(d for d in DESCRIPTION.instructions if d.timing.unit == "matrix")
    timed = [rule.timed(instruction(product, number)) for number in range(4)]
    shape = EMPTY
    found: list[Issued] = []
    for each in timed:
        found.append(rule.issue(shape, each, False))
        shape = found[-1].shape
    assert [issued.cycles for issued in found] == [0, 4, 4, 4]
    # The accumulators differ, the unit is pipelined: only the share makes the thread wait.
    assert found[1].causes == ((Cause.ISSUED, 1), (Cause.SHARE, 3))
