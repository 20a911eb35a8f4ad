"""What the tests of single instructions share: a thread that stands before one."""

from collections.abc import Callable, Mapping

import pytest

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    encode,
    load_description,
)
from dojo_tools.engines.reference import ReferenceThread

START, SRAM = 0x1000, 0x1_0000
Prepare = Callable[..., ReferenceThread]


@pytest.fixture(scope="session")
def described() -> Description:
    return load_description()


@pytest.fixture(scope="session")
def prepare(described: Description) -> Prepare:
    """Return what makes a thread that stands before one instruction.

    It takes the mnemonic, the values of the operands that are not 0, by name, and the registers and
    control registers to write before; `form` counts the entries of the mnemonic.
    """
    numbers = {control.name: control.number for control in described.controls}

    def before(
        mnemonic: str,
        operands: Mapping[str, int],
        registers: Mapping[str, int | bytes],
        controls: Mapping[str, int] | None = None,
        form: int = 0,
    ) -> ReferenceThread:
        definition = described.mnemonics[mnemonic][form]
        assert isinstance(definition, InstructionDef)
        values = tuple(operands.get(kind.name, 0) for kind in definition.operands)
        word = encode(Instruction(definition, values))
        thread = ReferenceThread(described, SRAM, 0x100)
        thread.write_memory(START, word.to_bytes(4, "little"))
        for name, value in registers.items():
            thread.write_register(name, value)
        for name, value in (controls or {}).items():
            thread.write_control(numbers[name], value)
        thread.pc = START
        return thread

    return before
