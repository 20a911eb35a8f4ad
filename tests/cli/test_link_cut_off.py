"""`dojo-ld --machine` knows which nodes dead ones cut off."""

import subprocess
import sys
from pathlib import Path

from dojo_tools.assembler import assemble
from dojo_tools.description import load_description
from dojo_tools.diagnostics import ExitCode, Source
from dojo_tools.objects import save_object

COMMAND = [sys.executable, "-c", "from dojo_tools.cli.link import main; main()"]


def test_a_program_on_a_node_that_is_cut_off(tmp_path: Path) -> None:
    (tmp_path / "cut.toml").write_text(
        'base = "small"\n[grid]\nwidth = 5\nheight = 5\ndead = [[1, 1], [2, 2]]\n'
    )
    text = ".program p\n.place 1, 2\n.global _start\n_start: halti 0\n"
    made = assemble(Source("p.s", text), load_description()).object
    save_object(tmp_path / "p.o", made)
    done = subprocess.run(
        [*COMMAND, "p.o", "--machine", "cut.toml"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == ExitCode.INPUT
    assert "program `p` is placed on (1, 2), a node that dead ones cut off" in done.stderr
