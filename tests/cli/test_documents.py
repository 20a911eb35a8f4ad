"""The programs that documents show, run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "import sys; sys.argv[0] = 'dojo'; from dojo_tools.cli.run import main; main()"
BLOCK = re.compile(r"(?<=\n\n)(?: {4}.*\n|\n(?= {4}))+")


def blocks(document: str, first: str) -> list[str]:
    """Return the indented blocks of a document from the line on that begins with `first`."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [dedent(block) for block in BLOCK.findall(text, text.index(f"\n{first}"))]


def run(line: str, folder: Path) -> str:
    """Run a line `$ dojo-run ...` of a document and return what it prints."""
    command, *words = line.removeprefix("$ ").split()
    assert command.endswith("dojo-run")
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    return done.stdout


def test_the_first_program_of_the_mesh_prints_what_its_page_says(tmp_path: Path) -> None:
    program, session = blocks("docs/mesh.md", "## A first program")[:2]
    (tmp_path / "ring.s").write_text(program, encoding="utf-8")
    line, printed = session.split("\n", 1)
    assert run(line, tmp_path) == printed


def test_the_readme_adds_an_instruction_that_runs(tmp_path: Path) -> None:
    entry, kernel, session = blocks("README.md", "**Add an instruction.**")[:3]
    (tmp_path / "vabd.isa").write_text(entry, encoding="utf-8")
    (tmp_path / "kernel.s").write_text(kernel, encoding="utf-8")
    checked, shown = [run(line, tmp_path) for line in session.splitlines()]
    assert "worked examples hold" in checked
    assert "v3[0..7] f32 3.0 3.0" in shown
