"""Every worked example of the description holds on both engines."""

import dataclasses
from collections.abc import Callable

import pytest

from dojo_tools.description import Description, Example, InstructionDef, load_description
from dojo_tools.description.semantics import OPERATORS as LANGUAGE
from dojo_tools.engines.examples import MEMORY_LOW, run_example
from dojo_tools.engines.native import NativeThread, Target, Translator
from dojo_tools.engines.native.operators import OPERATORS as NATIVE_OPERATORS
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.reference.operators import OPERATORS
from dojo_tools.engines.thread import Thread

MakeThread = Callable[[Description, int, int], Thread]

DESCRIPTION = load_description()
EXAMPLES = [(d, e) for d in DESCRIPTION.instructions for e in d.examples]


@pytest.fixture(scope="module")
def translator() -> Translator:
    return Translator(Target(DESCRIPTION, 0x14_0000, MEMORY_LOW))


def native(translator: Translator) -> MakeThread:
    return lambda description, size, low: NativeThread(
        description, size, low, translator=translator
    )


@pytest.mark.parametrize(
    "definition, example", EXAMPLES, ids=[f"{d.mnemonic}: {e.text}"[:80] for d, e in EXAMPLES]
)
def test_example(definition: InstructionDef, example: Example, translator: Translator):
    assert run_example(ReferenceThread, DESCRIPTION, definition, example) == []
    assert run_example(native(translator), DESCRIPTION, definition, example) == []


@pytest.mark.parametrize("engine", ["reference", "native"])
def test_a_wrong_example_is_noticed(engine: str, translator: Translator):
    make = ReferenceThread if engine == "reference" else native(translator)
    definition = DESCRIPTION.instructions[0]
    example = definition.examples[0]
    (setting,) = example.after
    wrong = dataclasses.replace(setting, values=(int(setting.values[0]) ^ 1,))
    altered = [
        dataclasses.replace(example, after=(wrong,)),
        dataclasses.replace(example, outcome="halt 1"),
    ]
    for each in altered:
        assert run_example(make, DESCRIPTION, definition, each)


def test_each_engine_has_one_row_for_each_operator_of_the_language():
    assert OPERATORS.keys() == LANGUAGE.keys()
    assert NATIVE_OPERATORS.keys() == LANGUAGE.keys()
