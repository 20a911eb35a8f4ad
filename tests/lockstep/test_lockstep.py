"""Both engines run random programs side by side: no difference in anything, and enough of them.

The work is done by `python tests/lockstep`, one process a core; each batch depends on the seed and
its number only.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
SEED = 20260
SITES_MIN = 200
STATIC_MIN = 200_000
EXECUTED_MIN = 10_000_000
SHRUNK_MAX = 20


def command(*options: str) -> list[str]:
    """Return the command that runs batches."""
    return [sys.executable, str(FOLDER), *options]


def run_all(jobs: list[list[str]]) -> list[dict[str, Any]]:
    """Return what batches did, one a core at a time; fail with the reports if engines differed."""

    def run(options: list[str]) -> subprocess.CompletedProcess[str]:
        line = command("--seed", str(SEED), *options)
        return subprocess.run(line, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ended = list(pool.map(run, jobs))
    failed = [process for process in ended if process.returncode]
    if failed:
        texts = [f"{p.args}: exit code {p.returncode}\n{p.stderr}" for p in failed]
        pytest.fail("\n".join(texts), pytrace=False)
    return [json.loads(line) for process in ended for line in process.stdout.splitlines()]


def total(outcomes: list[dict[str, Any]], name: str) -> Counter[str]:
    """Return the sum of a table over batches."""
    found = Counter[str]()
    for outcome in outcomes:
        found.update(outcome[name])
    return found


def test_the_engines_agree_on_random_programs():
    small = ["--sites", "1", "--loops", "4", "--lane-loops", "1", "--wild", "8", "--hot", "1"]
    jobs = [["--variant", variant, *small] for variant in ("optimised", "untimed")]
    jobs.append(["--variant", "recorded", *small, "--loop-count", "20000", "--hot", "0"])
    jobs += [["--sites", "25", "--loops", "14", "--batch", str(number)] for number in range(8)]
    outcomes = run_all(jobs)
    sites = total(outcomes, "sites")
    assert min(sites.values()) >= SITES_MIN
    assert sum(sites.values()) >= STATIC_MIN
    assert sum(outcome["executed"] for outcome in outcomes) >= EXECUTED_MIN
    assert [name for outcome in outcomes for name in outcome["missing_faults"]] == []


@pytest.mark.soak
def test_the_engines_agree_on_a_hundred_million_instructions():
    options = ["--sites", "2", "--loops", "32", "--loop-count", "160000", "--wild", "60"]
    jobs = [[*options, "--batch", str(number)] for number in range(1000, 1023)]
    outcomes = run_all(jobs)
    assert sum(outcome["executed"] for outcome in outcomes) >= 10 * EXECUTED_MIN


@pytest.mark.parametrize(
    ("one", "two", "options"),
    [
        ("vadd.f32", "vsub.f32", ("--sites", "1")),
        ("lw", "lwu", ("--sites", "6", "--loops", "0")),  # only a negative word shows it
        ("and", "or", ("--sites", "0", "--loops", "2")),
        ("bltu", "bgeu", ("--sites", "0", "--loops", "3")),
    ],
)
def test_a_wrong_meaning_is_found_and_shown_in_few_instructions(
    one: str, two: str, options: tuple[str, ...]
):
    line = command("--wild", "0", "--lane-loops", "0", "--written", "0", "--confuse", one, two)
    ended = subprocess.run([*line, *options], capture_output=True, text=True, check=False)
    assert ended.returncode == 1, ended.stderr
    first = ended.stderr.split("\nline ")[0].split("\nloops ")[0]
    assert "python tests/lockstep --batch 0 --seed 1 " in first
    assert re.search(rf"first after \d+ instructions.*\n  at 0x\w+: ({one}|{two}) ", first)
    assert len(re.findall(r"^  0x\w+  [0-9a-f]{8}  ", first, re.MULTILINE)) <= SHRUNK_MAX


def test_a_batch_is_the_same_in_another_folder_and_with_another_hash_seed(tmp_path: Path):
    line = command("--sites", "0", "--loops", "1", "--loop-count", "2000", "--faults-every", "400")
    line += ["--wild", "3", "--written", "2", "--lane-loops", "1"]
    digests: set[str] = set()
    for seed, folder in (("0", FOLDER), ("1", tmp_path), ("777", Path("/"))):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        ended = subprocess.run(
            line, capture_output=True, text=True, check=True, env=environment, cwd=folder
        )
        digests.add(json.loads(ended.stdout)["digest"])
    assert len(digests) == 1
