"""`.threads` and `.share`: what a file states about the threads of its program."""

import pytest

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import InputError, Source
from dojo_tools.objects import ObjectFile, Share, Threads, encode_object, read_object


def assembled(text: str) -> ObjectFile:
    found = assemble(Source("threads.s", text), load_description()).object
    return read_object(encode_object(found), "threads.o")


def test_the_object_has_what_the_file_states():
    text = ".threads 1 + 2\n.share 2, 1\n.share 0, 2, 1\n.share 2, 1\n"
    assert assembled(text).threads == Threads(3, (Share(0, 2, 1), Share(2, 1)))
    assert assembled(".text\n").threads is None


@pytest.mark.parametrize(
    "text, message",
    [
        (".threads 5", "5 does not fit in the range 1..4"),
        (".threads 2\n.threads 3", "this file states 2 threads already"),
        (".share 0, 1", "this file states no threads yet"),
        (".threads 2\n.share 2, 1", "2 does not fit in the range 0..1"),
        (".threads 2\n.share 1, 0", "0 does not fit in the range 1..64"),
        (".threads 2\n.share 1, 2, 0", "0 does not fit in the range 1..1024"),
        (".threads 2\n.share 1, 2\n.share 1, 2, 3", "thread 1 has another share already"),
    ],
)
def test_mistakes(text: str, message: str):
    with pytest.raises(InputError) as caught:
        assembled(text + "\n")
    assert message in str(caught.value)
