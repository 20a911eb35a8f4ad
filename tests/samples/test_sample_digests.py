"""Every sample gives one digest: on both engines, any workers, cache, folder and hash seed."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("sample_digests.py")
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """In what a run may differ from another; `cache` names the folder of what is kept on disk."""

    engine: str
    workers: int
    hash_seed: int
    cache: str


FEW = (Circumstances("native", 2, 0, "first"), Circumstances("reference", 1, 77, "second"))
TWENTY = tuple(
    Circumstances(
        engine="reference" if index % 5 == 4 else "native",
        workers=(1, 2, 3, 8)[index % 4],
        hash_seed=index * 37 % 101,
        cache="warm" if index % 3 else f"cold{index}",
    )
    for index in range(20)
)


def digests(circumstances: Circumstances, folder: Path) -> dict[str, str]:
    """Return the digests of all runs of all samples, made in a process and folder of their own."""
    folder.mkdir(parents=True)
    environment = {
        **os.environ,
        "PYTHONHASHSEED": str(circumstances.hash_seed),
        "PYTHONPATH": str(SAMPLES.parent),
        "XDG_CACHE_HOME": str(folder.parent / circumstances.cache),
    }
    line = [sys.executable, str(SCRIPT), circumstances.engine, str(circumstances.workers)]
    ended = subprocess.run(
        line, capture_output=True, text=True, env=environment, cwd=folder, check=False
    )
    assert ended.returncode == 0, f"{circumstances}\n{ended.stderr[-3000:]}"
    return json.loads(ended.stdout)


def check_one_digest(runs: Sequence[Circumstances], folder: Path) -> None:
    """Check that all runs leave the same behind, of every sample."""
    folders = [folder / f"of run {index}" for index in range(len(runs))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(digests, runs, folders))
    by_name: defaultdict[str, dict[str, list[Circumstances]]] = defaultdict(dict)
    for circumstances, of_run in zip(runs, found, strict=True):
        for name, digest in of_run.items():
            by_name[name].setdefault(digest, []).append(circumstances)
    differing = {name: who for name, who in by_name.items() if len(who) > 1}
    assert not differing
    for sample in (path.name for path in SAMPLES.iterdir() if path.is_dir()):
        ends = {
            next(iter(who)).split()[0]
            for name, who in by_name.items()
            if name.split(",")[0].split("/")[0] == sample
        }
        assert ends == {"done", "limit", "fault"}, sample


def test_both_engines_give_one_digest(tmp_path: Path):
    check_one_digest(FEW, tmp_path)


@pytest.mark.soak
def test_twenty_runs_give_one_digest(tmp_path: Path):
    check_one_digest(TWENTY, tmp_path)
