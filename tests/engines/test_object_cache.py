"""The cache of compiled objects: right or absent, whatever happens to its files."""

import errno
import os
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from dojo_tools.engines.native.object_cache import ObjectCache

CODE = bytes(range(256)) * 8
KILLS = 8
HELLO = Path(__file__).resolve().parents[2] / "samples/hello/hello.s"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that holds one entry."""
    ObjectCache(tmp_path / "native", "host").save("text", "quick", CODE)
    return tmp_path / "native"


def load(folder: Path) -> bytes | None:
    """Load the entry as a new process would."""
    return ObjectCache(folder, "host").load("text", "quick")


def entry_of(folder: Path) -> Path:
    """Return the path of the only entry."""
    (entry,) = folder.iterdir()
    return entry


def test_an_object_is_found_again_by_all_it_was_made_of(folder: Path) -> None:
    assert load(folder) == CODE
    assert ObjectCache(folder, "host").load("text", "good") is None
    assert ObjectCache(folder, "host").load("text2", "quick") is None
    assert ObjectCache(folder, "host2").load("text", "quick") is None


def test_folder_and_entry_are_private(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert entry_of(folder).stat().st_mode & 0o777 == 0o600


def note_of(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said of the only entry, which must not be used, when it is looked for."""
    capsys.readouterr()
    cache = ObjectCache(folder, "host")
    assert cache.load("text", "quick") is None
    assert cache.load("text", "quick") is None
    note = capsys.readouterr().err
    assert note.count("\n") == 1, "it is said once"
    return note


def damaged(entry: Path) -> str:
    return f"warning: cache of translations: {entry.name} is damaged and is made again\n"


def test_an_entry_with_a_flipped_bit_is_made_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_of(folder)
    whole = entry.read_bytes()
    for place in (*range(120), len(whole) - 1):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        entry.write_bytes(flipped)
        assert note_of(folder, capsys) == damaged(entry), place
    ObjectCache(folder, "host").save("text", "quick", CODE)
    assert load(folder) == CODE


def test_an_entry_that_is_cut_short_is_made_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_of(folder)
    whole = entry.read_bytes()
    for size in (0, 1, 50, 84, len(whole) - 1):
        entry.write_bytes(whole[:size])
        assert note_of(folder, capsys) == damaged(entry), size


def test_a_swapped_entry_is_made_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = entry_of(folder)
    ObjectCache(folder, "host").save("other", "quick", b"other")
    other = next(path for path in folder.iterdir() if path != entry)
    other.replace(entry)
    assert note_of(folder, capsys) == damaged(entry)


def test_an_entry_that_is_a_folder_is_ignored(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = entry_of(folder)
    entry.unlink()
    entry.mkdir()
    assert note_of(folder, capsys) == (
        f"warning: cache of translations: {entry.name} can't be read: Is a directory\n"
    )
    ObjectCache(folder, "host").save("text", "quick", CODE)


def test_an_entry_that_may_not_be_read_is_ignored(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> bytes:  # who runs the tests may be allowed to read everything
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    entry = entry_of(folder)
    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert note_of(folder, capsys) == (
        f"warning: cache of translations: {entry.name} can't be read: Permission denied\n"
    )


def test_an_entry_that_is_not_there_is_not_worth_a_note(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry_of(folder).unlink()
    assert load(folder) is None
    assert capsys.readouterr().err == ""


def test_a_folder_that_others_write_to_is_not_used(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.chmod(0o770)
    assert note_of(folder, capsys) == (
        f"warning: cache of translations: {folder} belongs to somebody else or others can write "
        "to it: unused\n"
    )


def test_without_a_folder_nothing_is_kept() -> None:
    cache = ObjectCache(Path(os.devnull) / "native", "host")
    cache.save("text", "quick", CODE)
    assert cache.load("text", "quick") is None


def test_what_was_used_last_stays_when_room_is_short(tmp_path: Path) -> None:
    for number in range(4):
        ObjectCache(tmp_path, "host").save(f"{number}", "quick", CODE)
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    assert ObjectCache(tmp_path, "host").load("2", "quick") == CODE
    ObjectCache(tmp_path, "host", 3 * len(CODE)).save("new", "quick", CODE)
    kept = [
        n for n in ("0", "1", "2", "3", "new") if ObjectCache(tmp_path, "host").load(n, "quick")
    ]
    assert kept == ["2", "new"]


def start(cache: Path) -> subprocess.Popen[str]:
    """Start the smallest program on the native engine."""
    command = Path(sys.executable).with_name("dojo-run")
    return subprocess.Popen(
        [str(command), "--engine", "native", "-q", str(HELLO)],
        env={**os.environ, "DOJO_CACHE_DIR": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_runs_agree_while_others_fill_the_cache_or_are_killed(tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    moments = random.Random(seed)
    start(tmp_path).communicate()  # the description, which takes seconds
    started = time.monotonic()
    empty_native(tmp_path)
    start(tmp_path).communicate()
    whole = time.monotonic() - started
    for _ in range(KILLS):
        if moments.random() < 0.5:
            empty_native(tmp_path)
        killed = start(tmp_path)
        with suppress(subprocess.TimeoutExpired):
            killed.wait(whole * moments.uniform(0.3, 1.1))
        killed.kill()
        killed.communicate()
    runs = [start(tmp_path) for _ in range(20)]
    for run in runs:
        assert run.communicate() == ("Hello from a D1 node.\n", ""), f"seed {seed}"
        assert run.returncode == 0, f"seed {seed}"


def empty_native(cache: Path) -> None:
    """Remove the translations of a cache."""
    for path in (cache / "native").iterdir():
        path.unlink()


def test_a_full_folder_is_not_looked_through_at_every_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    scandir = os.scandir

    def counted(path: str) -> object:
        nonlocal looks
        looks += 1
        return scandir(path)

    cache = ObjectCache(tmp_path / "native", "host", 80 * len(CODE))
    monkeypatch.setattr(os, "scandir", counted)
    for number in range(200):
        cache.save(f"{number}", "quick", CODE)
    assert 10 < looks < 40
    kept = sum(path.stat().st_size for path in (tmp_path / "native").iterdir())
    assert kept < 92 * len(CODE)
