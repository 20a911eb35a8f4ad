"""Loading: the cache, its damage, and a user's additions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dojo_tools.description import load_description
from dojo_tools.description.library import read_cached
from dojo_tools.diagnostics import InputError

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


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("DOJO_CACHE_DIR", str(folder))
    return folder


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
def test_a_damaged_cache_holds_nothing(tmp_path: Path, damage: bytes):
    entry = tmp_path / "description.json"
    entry.write_bytes(damage)
    assert read_cached(entry) is None


def test_a_damaged_cache_is_replaced(cache: Path):
    load_description()
    (entry,) = cache.iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    assert load_description().instructions
    assert json.loads(entry.read_bytes())["shared"]


def test_an_unwritable_cache_only_costs_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("DOJO_CACHE_DIR", str(blocked / "cache"))
    assert load_description().instructions


def test_a_user_without_a_home_only_costs_time(monkeypatch: pytest.MonkeyPatch):
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("DOJO_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    assert load_description().instructions


def test_the_cache_is_private(cache: Path):
    load_description()
    assert cache.stat().st_mode & 0o077 == 0
    assert all(entry.stat().st_mode & 0o077 == 0 for entry in cache.iterdir())


def test_a_cached_description_needs_no_parser(cache: Path):
    load_description()
    code = (
        "import sys; from dojo_tools.description import load_description; load_description();"
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
