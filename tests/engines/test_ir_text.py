"""The IR of a program depends on the program: not on the process, the place or what ran before."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
NAMES = ("hello", "fibonacci", "saxpy", "dot")
LIMIT = 20_000
"""Fewer instructions than a slice: a slice ends by the clock, and code may be entered there."""

TRANSLATE = """
import hashlib, json, sys
from pathlib import Path
from dojo_tools import Machine, load_description, load_program

description, texts = load_description(), {}
for path in map(Path, sys.argv[3:]):
    seen = []
    image = load_program([path], description)
    machine = Machine(image, description, timing=sys.argv[1] == "timed", watch=seen.append)
    machine.run(int(sys.argv[2]))
    listed = [(made.pc, made.shape, made.level, made.variant, made.text) for made in seen]
    texts[path.name] = hashlib.sha256(repr(listed).encode()).hexdigest(), len(listed)
print(json.dumps(texts))
"""


def translated(
    folder: Path, timing: str, names: tuple[str, ...], seed: int
) -> dict[str, tuple[str, int]]:
    """Return a digest of the IR of each sample and its count of regions, from a process."""
    folder.mkdir()
    paths = [str(SAMPLES / name / f"{name}.s") for name in names]
    done = subprocess.run(
        [sys.executable, "-c", TRANSLATE, timing, str(LIMIT), *paths],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": f"{seed}"},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("timing", ["timed", "untimed"])
def test_ir_is_the_same_text_every_time(tmp_path: Path, timing: str):
    first = translated(tmp_path / "one", timing, NAMES, seed=1)
    second = translated(tmp_path / "two", timing, NAMES[::-1], seed=2)
    assert first == second
    assert all(count > 0 for _, count in first.values())
    assert len({digest for digest, _ in first.values()}) == len(NAMES)
