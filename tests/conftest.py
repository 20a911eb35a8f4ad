"""What every test may use: golden files, and the option that rewrites them."""

import difflib
import gc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow example is a busy machine, not a wrong program.
settings.register_profile("project", deadline=None)
settings.load_profile("project")


GARBAGE_THRESHOLDS = gc.get_threshold()


@pytest.fixture(autouse=True)
def often_collected() -> Iterator[None]:
    """Undo what commands do that run in this process: they look for garbage less often."""
    yield
    if gc.get_threshold() != GARBAGE_THRESHOLDS:
        gc.set_threshold(*GARBAGE_THRESHOLDS)


def pytest_collection_finish() -> None:
    """Never look again for garbage among the tests themselves: there are thousands of them."""
    gc.collect()
    gc.freeze()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--bless`."""
    parser.addoption("--bless", action="store_true", help="rewrite golden files; review the diff")


@pytest.fixture
def bless(request: pytest.FixtureRequest) -> bool:
    """Whether expectations are to be rewritten instead of compared."""
    return bool(request.config.getoption("--bless"))


@pytest.fixture
def golden(bless: bool) -> Callable[[Path, str], None]:
    """The check `golden(path, actual)`: the file holds exactly this text, or is blessed to."""

    def check(path: Path, actual: str) -> None:
        if bless:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(actual, encoding="utf-8", newline="\n")
            return
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        if actual != expected or not path.exists():
            pytest.fail(difference(path, expected, actual), pytrace=False)

    return check


def difference(path: Path, expected: str, actual: str) -> str:
    """Return the unified diff from the golden file to the actual text, and how to accept it."""
    lines = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), str(path), "actual", lineterm=""
    )
    diff = "\n".join(lines) or "(the texts differ only in line ends)"
    return f"{diff}\n{path.name} does not hold this text; `pytest --bless` rewrites it"


@pytest.fixture(scope="session")
def make_archive() -> Callable[[Iterable[tuple[str, bytes]]], bytes]:
    """The call `make_archive(members)`: an `ar` archive of (name, contents), names short."""

    def call(members: Iterable[tuple[str, bytes]]) -> bytes:
        archive = bytearray(b"!<arch>\n")
        for name, contents in members:
            header = f"{name + '/':<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(contents):<10}`\n"
            assert len(header) == 60, "the name is short"
            archive += header.encode() + contents + b"\n" * (len(contents) % 2)
        return bytes(archive)

    return call
