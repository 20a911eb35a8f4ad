"""One state, however it is reached: engines, levels, cache, working folder and hash seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PROGRAM = """
import sys
from pathlib import Path
from dojo_tools.assembler import assemble
from dojo_tools.description import load_description, load_machine
from dojo_tools.diagnostics import Source
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.reference import ReferenceThread
from dojo_tools.engines.state import digest
from dojo_tools.engines.timing import IssueRule
from dojo_tools.linker import link

path, engine = sys.argv[1:]
description, machine = load_description(), load_machine("node")
source = Source(path, Path(path).read_text())
image = link([assemble(source, description).object], description.relocations)
sizes = machine.sram_bytes, machine.reserved_bytes, machine.denormals
if engine == "reference":
    thread = ReferenceThread(description, *sizes, IssueRule(description, machine))
else:
    timeline = Timeline.of(description, machine)
    thread = NativeThread(description, *sizes, timeline, optimised=engine == "optimised")
for segment in image.segments:
    thread.write_memory(segment.address, segment.contents)
thread.pc = image.entry
thread.write_register("x2", machine.sram_bytes)
thread.run(1_000_000)
print(digest(thread))
"""
CASES = {
    "cold": ("quick", "cache", ".", "0"),
    "warm": ("quick", "cache", ".", "0"),
    "optimised, cold": ("optimised", "cache", ".", "0"),
    "optimised, warm": ("optimised", "cache", ".", "0"),
    "another folder": ("quick", "cache", "elsewhere", "0"),
    "another hash seed": ("quick", "cache", ".", "777"),
    "a cache that can't be written": ("quick", "file", ".", "1"),
}


@pytest.mark.parametrize("name", ["fibonacci/fibonacci.s"])
def test_the_digest_depends_on_the_program_alone(name: str, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "file").touch()

    def run(engine: str, cache: str, folder: str, seed: str) -> str:
        settings = {"XDG_CACHE_HOME": str(tmp_path / cache), "PYTHONHASHSEED": seed}
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(SAMPLES / name), engine],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path / folder,
            env={**os.environ, **settings},
        )
        return ended.stdout

    wanted = run("reference", "cache", ".", "0")
    assert len(wanted) == 65
    for label, case in CASES.items():
        assert run(*case) == wanted, label
