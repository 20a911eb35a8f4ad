"""From a program on which the engines differ to a small one that a person can read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from dojo_tools.description import (
    AliasDef,
    Description,
    Instruction,
    InstructionDef,
    OperandClass,
    allows,
    encode,
)
from dojo_tools.disassembler import format_instruction
from dojo_tools.engines.state import Difference, value_text
from dojo_tools.engines.thread import RegisterValue
from pairs import Engines
from programs import DATA, START, Program, prepare

CHECKS_MAX = 800
SHOWN_MAX = 12
LINE = 64

Fails = Callable[[Program], list[Difference]]


def report_of(engines: Engines, program: Program, found: list[Difference]) -> str:
    """Return a difference as text: what to run, where the engines part, and both results."""

    def fails(candidate: Program) -> list[Difference]:
        return engines.pair().run(candidate)

    description = engines.description
    if not fails(program):
        rows = [*_rows(found), "it does not differ when run alone: replay the batch"]
        return "\n".join(rows)
    small = shrink(description, program, fails)
    return "\n".join(
        [*_rows(fails(small)), *_first(engines, small, fails), *_listing(description, small)]
    )


def shrink(description: Description, program: Program, fails: Fails) -> Program:
    """Return a smaller program on which the engines still differ."""
    left = CHECKS_MAX

    def keeps(candidate: Program) -> bool:
        nonlocal left
        left -= 1
        return left > 0 and bool(fails(candidate))

    padding = encode(_padding(description))
    program = _shorter_run(program, keeps)
    size = len(program.words)
    step = size
    while step:
        for start in range(0, size, step):
            words = list(program.words)
            if any(word != padding for word in words[start : start + step]):
                words[start : start + step] = [padding] * len(words[start : start + step])
                candidate = replace(program, words=tuple(words))
                program = candidate if keeps(candidate) else program
        step //= 2
    program = _without_gaps(description, program, padding, keeps)
    program = _simpler_state(program, keeps)
    return _simpler_operands(description, program, keeps)


def _without_gaps(
    description: Description, program: Program, padding: int, keeps: Callable[[Program], bool]
) -> Program:
    """Return a program without the padding that it does not need, longest stretches first."""
    for size in (128, 64, 32, 16, 8, 4, 2, 1):
        start = 0
        while start + size <= len(program.words):
            if all(word == padding for word in program.words[start : start + size]):
                words = _cut(description, program.words, start, size)
                if words is not None and keeps(candidate := replace(program, words=words)):
                    program = candidate
                    continue
            start += size
    return program


def _cut(
    description: Description, words: tuple[int, ...], start: int, size: int
) -> tuple[int, ...] | None:
    """Return code without some words; its branches go where they went, else None."""

    def moved(index: int) -> int:
        return index if index <= start else max(start, index - size)

    left: list[int] = []
    for index, word in enumerate(words):
        if start <= index < start + size:
            continue
        instruction = description.decode(word)
        if instruction is not None:
            kinds = instruction.definition.operands
            pairs = zip(kinds, instruction.values, strict=True)
            values = tuple(
                4 * (moved(index + value // 4) - moved(index)) if kind.pc_relative else value
                for kind, value in pairs
            )
            if not all(allows(kind, value) for kind, value in zip(kinds, values, strict=True)):
                return None
            word = encode(Instruction(instruction.definition, values))
        left.append(word)
    return tuple(left)


def _shorter_run(program: Program, keeps: Callable[[Program], bool]) -> Program:
    for pieces in ((1 << 20,), (1,), program.pieces):
        candidate = replace(program, pieces=pieces)
        if pieces == program.pieces or keeps(candidate):
            program = candidate
            break
    while program.limit > 1:
        candidate = replace(program, limit=program.limit // 2)
        if not keeps(candidate):
            break
        program = candidate
    return program


def _simpler_state(program: Program, keeps: Callable[[Program], bool]) -> Program:
    for candidate in (
        replace(program, data=b""),
        replace(program, controls={}),
        replace(program, registers={}),
    ):
        program = candidate if keeps(candidate) else program
    for name in list(program.registers):
        fewer = {key: value for key, value in program.registers.items() if key != name}
        candidate = replace(program, registers=fewer)
        program = candidate if keeps(candidate) else program
    for number in list(program.controls):
        kept = {key: value for key, value in program.controls.items() if key != number}
        candidate = replace(program, controls=kept)
        program = candidate if keeps(candidate) else program
    step = len(program.data) // 2
    while step >= LINE:
        for start in range(0, len(program.data), step):
            zeros = bytes(len(program.data[start : start + step]))
            if program.data[start : start + step] != zeros:
                data = program.data[:start] + zeros + program.data[start + step :]
                candidate = replace(program, data=data)
                program = candidate if keeps(candidate) else program
        step //= 2
    return program


def _simpler_operands(
    description: Description, program: Program, keeps: Callable[[Program], bool]
) -> Program:
    for index, word in enumerate(program.words):
        instruction = description.decode(word)
        if instruction is None:
            continue
        for simpler in _simpler(instruction):
            words: list[int] = [*program.words]
            words[index] = encode(simpler)
            candidate: Program = replace(program, words=tuple(words))
            if keeps(candidate):
                program = candidate
                break
    return program


def _simpler(instruction: Instruction) -> Iterator[Instruction]:
    for index, kind in enumerate(instruction.definition.operands):
        simple = kind.operand_class in (OperandClass.IMMEDIATE, OperandClass.PREDICATE)
        if simple and instruction.values[index] and allows(kind, 0):
            values = (*instruction.values[:index], 0, *instruction.values[index + 1 :])
            yield Instruction(instruction.definition, values)


def _padding(description: Description) -> Instruction:
    """Return the instruction that fills gaps: it does nothing."""
    entry = description.mnemonics[description.padding][0]
    if isinstance(entry, AliasDef):
        target = description.mnemonics[entry.template.mnemonic]
        entry = next(found for found in target if isinstance(found, InstructionDef))
    assert isinstance(entry, InstructionDef)
    return Instruction(entry, (0,) * len(entry.operands))


# What is shown.


def _rows(found: list[Difference]) -> list[str]:
    rows = [f"  {d.place}: reference {d.first}, native {d.second}" for d in found[:SHOWN_MAX]]
    return rows + ([f"  and {len(found) - SHOWN_MAX} more"] if len(found) > SHOWN_MAX else [])


def _first(engines: Engines, program: Program, fails: Fails) -> list[str]:
    """Return the first instruction after which the engines differ, found by shorter runs."""
    for limit in range(1, min(program.limit, 300) + 1):
        found = fails(replace(program, limit=limit, pieces=(1 << 20,)))
        if found:
            pair = f"  first after {limit} instructions, run instruction by instruction"
            return [pair, *_last_executed(engines, program, limit), *_rows(found)]
    return ["  it differs only when the code is run as a whole"]


def _last_executed(engines: Engines, program: Program, limit: int) -> list[str]:
    reference, description = engines.pair().reference, engines.description
    prepare(reference, program)
    if limit > 1:
        reference.run(limit - 1)
    instruction = reference.decode_at(reference.pc)
    if instruction is None:
        return [f"  at 0x{reference.pc:x}: no instruction"]
    text = format_instruction(instruction, reference.pc, description)
    operands = _operand_values(instruction, reference.read_register)
    return [f"  at 0x{reference.pc:x}: {text}", *operands]


def _operand_values(
    instruction: Instruction, read: Callable[[str], RegisterValue]
) -> Iterator[str]:
    pairs = zip(instruction.definition.operands, instruction.values, strict=True)
    for kind, value in pairs:
        if kind.operand_class is OperandClass.REGISTER:
            name = f"{kind.file}{value}"
            yield f"    {kind.name} = {name} = {value_text(read(name))}"


def _listing(description: Description, program: Program) -> Iterator[str]:
    yield f"  limits {program.pieces}, {program.limit} in all; entry 0x{program.entry:x}"
    for index, word in enumerate(program.words):
        pc = START + 4 * index
        instruction = description.decode(word)
        text = "illegal"
        if instruction is not None:
            text = format_instruction(instruction, pc, description)
        yield f"  0x{pc:x}  {word:08x}  {text}"
    names: Mapping[int, str] = {c.number: c.name for c in description.controls}
    yield from (f"  {name} = {value_text(value)}" for name, value in program.registers.items())
    yield from (f"  {names[n]} = {value:#x}" for n, value in program.controls.items() if value)
    for start in range(0, len(program.data), LINE):
        line = program.data[start : start + LINE]
        if any(line):
            yield f"  mem[0x{DATA + start:x}] = {line.hex()}"
