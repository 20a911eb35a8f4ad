"""The machine's description, and words of its instructions."""

from collections.abc import Callable

import pytest

from dojo_tools.description import (
    Description,
    Instruction,
    InstructionDef,
    load_description,
)


@pytest.fixture(scope="session")
def description() -> Description:
    """The description that ships."""
    return load_description()


@pytest.fixture
def use(description: Description) -> Callable[..., Instruction]:
    """The call `use(mnemonic, *values)`: an instruction in its mnemonic's first form."""

    def make(mnemonic: str, *values: int) -> Instruction:
        definition = description.mnemonics[mnemonic][0]
        assert isinstance(definition, InstructionDef)
        return Instruction(definition, values)

    return make
