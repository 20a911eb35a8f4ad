"""What the tests of the assembler share: the description, and short ways to assemble a text."""

from collections.abc import Callable, Sequence

import pytest

from dojo_tools.assembler import Assembly, assemble
from dojo_tools.description import Description, load_description
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.objects import ObjectFile


@pytest.fixture(scope="session")
def description() -> Description:
    """The shipped description."""
    return load_description()


@pytest.fixture
def assembled(description: Description) -> Callable[[str], Assembly]:
    """The call `assembled(text)`."""
    return lambda text: assemble(Source("a.s", text), description)


@pytest.fixture
def words(assembled: Callable[[str], Assembly]) -> Callable[[str], list[int]]:
    """The call `words(text)`: the words of `.text`."""

    def call(text: str) -> list[int]:
        contents = contents_of(assembled(text).object, ".text")
        return [int.from_bytes(contents[i : i + 4], "little") for i in range(0, len(contents), 4)]

    return call


@pytest.fixture
def contents(assembled: Callable[[str], Assembly]) -> Callable[[str], bytes]:
    """The call `contents(text)`: the bytes that the text puts into `.data`."""
    return lambda text: contents_of(assembled(f".data\n{text}").object, ".data")


@pytest.fixture
def errors(description: Description) -> Callable[[str], Sequence[str]]:
    """The call `errors(text)`: the messages of a text that is refused, each with its line."""

    def call(text: str) -> Sequence[str]:
        with pytest.raises(InputError) as caught:
            assemble(Source("a.s", text), description)
        spans = [(found.span, found.message) for found in caught.value.diagnostics]
        return [f"{span.line if span else 0}: {message}" for span, message in spans]

    return call


def contents_of(object_file: ObjectFile, name: str) -> bytes:
    """Return the contents of a section."""
    return next(section.contents for section in object_file.sections if section.name == name)
