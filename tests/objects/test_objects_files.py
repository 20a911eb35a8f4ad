"""Outputs appear whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from dojo_tools.objects import ObjectFile, read_object, save_object, write_atomically


def test_a_new_file_has_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        save_object(tmp_path / "x.o", ObjectFile("x.o"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.o").stat().st_mode) == 0o640
    assert read_object((tmp_path / "x.o").read_bytes(), "x.o") == ObjectFile("x.o")
    assert [path.name for path in tmp_path.iterdir()] == ["x.o"]


def test_a_failure_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "x.o"
    target.write_bytes(b"old")

    def interrupt(source: Path, destination: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"


def test_what_is_no_file_is_written_directly(tmp_path: Path) -> None:
    write_atomically(Path(os.devnull), b"new")
    assert not Path(os.devnull).is_file()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, b"new")
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "missing" / "x.o", b"new")
