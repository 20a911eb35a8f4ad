"""Loading: what a build has read, the cache, its damage, and a user's additions."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dojo_tools.description import Description, load_description, loader, parse_cache
from dojo_tools.diagnostics import InputError, Source

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = load_description()
ABSOLUTE_DIFFERENCE = """\
title "Extension"
provenance chosen "an addition of the tests"

instruction vabd.{T} vd, va, vb [, pm]
    "Absolute difference of each lane."
    for T in i8, i16, i32, i64, bf16, f32
    encoding V op=user0 func4=0 type={T}
    timing simd latency=4
    example va.{T} = 2, vb.{T} = 5 -> vd.{T} = 3
    { vd.{T} = abs(va.{T} - vb.{T}) under pm }
"""


@pytest.fixture(autouse=True)
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a build would leave what it has read; nothing is there."""
    folder = tmp_path / "ready"
    monkeypatch.setattr(parse_cache, "ready_folder", lambda: folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DOJO_CACHE_DIR", str(folder))
    return folder


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets how many files were read, each time; reading takes no time."""
    counts: list[int] = []

    def read(sources: Sequence[Source]) -> Description:
        counts.append(len(sources))
        return DESCRIPTION

    monkeypatch.setattr(loader, "load_sources", read)
    return counts


def summary(extension: Path) -> list[object]:
    description = load_description([extension])
    return [
        (d.syntax_text, d.match, d.meaning.statements, d.examples) for d in description.instructions
    ]


def test_the_cached_description_equals_the_one_that_was_read(cache: Path, tmp_path: Path):
    extension = tmp_path / "abd.isa"
    extension.write_text(ABSOLUTE_DIFFERENCE)
    first = summary(extension)
    (entry,) = cache.iterdir()
    stamp = entry.stat().st_mtime_ns
    assert repr(summary(extension)) == repr(first)
    assert entry.stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"shared": [], "description": [0]}',
        b'{"shared": [[99999]], "description": [-3, 0]}',
        b'{"shared": [], "description": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_damage_costs_another_reading(reads: list[int], cache: Path, ready: Path, damage: bytes):
    load_description()
    (entry,) = cache.iterdir()
    ready.mkdir()
    (ready / entry.name).write_bytes(damage)
    entry.write_bytes(damage)
    assert load_description().instructions
    assert len(reads) == 2
    assert json.loads(entry.read_bytes())["shared"]
    assert load_description().instructions
    assert len(reads) == 2


def test_what_a_build_has_read_needs_no_cache(reads: list[int], cache: Path, ready: Path):
    load_description()
    cache.rename(ready)
    assert load_description().instructions
    assert len(reads) == 1
    assert not cache.exists()


def test_a_wheel_carries_what_is_read(tmp_path: Path, cache: Path):
    tree, wheels = tmp_path / "tree", tmp_path / "wheels"
    for name in (".ci", "dojo_tools", "isa", "samples/fidelity"):
        skipped = shutil.ignore_patterns("__pycache__", "ready")
        shutil.copytree(ROOT / name, tree / name, ignore=skipped)
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tree / name)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    subprocess.run(build, cwd=tree, capture_output=True, check=True)
    (wheel,) = wheels.iterdir()
    shutil.unpack_archive(wheel, tmp_path / "installed", "zip")
    code = (
        "import sys, dojo_tools.description as d; from dojo_tools.description import procedures;"
        "d.load_description(); procedures.load_procedures();"
        "print(d.__file__, 'lark' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    place, has_lark = done.stdout.split()
    assert Path(place).is_relative_to(tmp_path / "installed")
    assert has_lark == "False"
    assert not cache.exists()


def test_an_unwritable_cache_only_costs_time(
    reads: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DOJO_CACHE_DIR", str(blocked / "cache"))
    assert load_description().instructions


def test_a_user_without_a_home_only_costs_time(reads: list[int], monkeypatch: pytest.MonkeyPatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("DOJO_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert load_description().instructions


def test_the_cache_is_private(reads: list[int], cache: Path):
    load_description()
    assert cache.stat().st_mode & 0o077 == 0
    assert all(entry.stat().st_mode & 0o077 == 0 for entry in cache.iterdir())


def test_a_cached_description_needs_no_parser(cache: Path):
    load_description()
    code = (
        "import pathlib, sys; from dojo_tools.description import load_description, parse_cache;"
        "parse_cache.ready_folder = lambda: pathlib.Path('none'); load_description();"
        "print('lark' in sys.modules)"
    )
    environment = {**os.environ, "DOJO_CACHE_DIR": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_wrong_addition_names_its_own_file(cache: Path, tmp_path: Path):
    extension = tmp_path / "clash.isa"
    extension.write_text(ABSOLUTE_DIFFERENCE.replace("op=user0 func4=0", "op=valu func4=0"))
    with pytest.raises(InputError) as caught:
        load_description([extension])
    diagnostic = caught.value.diagnostics[0]
    assert "overlaps that of `vadd.i8`" in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.source.name == str(extension)
