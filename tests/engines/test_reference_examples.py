"""Every worked example of the description holds on the reference engine."""

import dataclasses

import pytest

from dojo_tools.description import Example, InstructionDef, load_description
from dojo_tools.description.semantics import OPERATORS as LANGUAGE
from dojo_tools.engines.reference import run_example
from dojo_tools.engines.reference.operators import OPERATORS

DESCRIPTION = load_description()
EXAMPLES = [(d, e) for d in DESCRIPTION.instructions for e in d.examples]


@pytest.mark.parametrize(
    "definition, example", EXAMPLES, ids=[f"{d.mnemonic}: {e.text}"[:80] for d, e in EXAMPLES]
)
def test_example(definition: InstructionDef, example: Example):
    assert run_example(DESCRIPTION, definition, example) == []


def test_a_wrong_example_is_noticed():
    definition = DESCRIPTION.instructions[0]
    example = definition.examples[0]
    (setting,) = example.after
    wrong = dataclasses.replace(setting, values=(int(setting.values[0]) ^ 1,))
    assert run_example(DESCRIPTION, definition, dataclasses.replace(example, after=(wrong,)))
    assert run_example(DESCRIPTION, definition, dataclasses.replace(example, outcome="halt 1"))


def test_the_reference_has_one_row_for_each_operator_of_the_language():
    assert OPERATORS.keys() == LANGUAGE.keys()
