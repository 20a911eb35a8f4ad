"""Both engines run random programs side by side: no difference in anything, and enough of them.

The work is done by `python tests/lockstep`, one process a core; each batch depends on the seed and
its number only.
"""

import json
import os
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


def run_batches(numbers: list[int], *options: str) -> list[dict[str, Any]]:
    """Return what batches did; fail with the reports if the engines differed."""
    command = [sys.executable, str(FOLDER), "--seed", str(SEED), *options, "--batch"]

    def run(number: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, str(number)], capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ended = list(pool.map(run, numbers))
    if any(process.returncode for process in ended):
        pytest.fail("\n".join(process.stderr for process in ended), pytrace=False)
    return [json.loads(line) for process in ended for line in process.stdout.splitlines()]


def total(outcomes: list[dict[str, Any]], name: str) -> Counter[str]:
    """Return the sum of a table over batches."""
    found = Counter[str]()
    for outcome in outcomes:
        found.update(outcome[name])
    return found


def test_the_engines_agree_on_random_programs():
    outcomes = run_batches(
        list(range(8)), "--sites", "32", "--loops", "14", "--loop-count", "110000"
    )
    outcomes += run_batches([100, 101], "--variant", "optimised", "--sites", "1", "--hot", "1")
    sites = total(outcomes, "sites")
    assert min(sites.values()) >= SITES_MIN
    assert sum(sites.values()) >= STATIC_MIN
    assert sum(outcome["executed"] for outcome in outcomes) >= EXECUTED_MIN
    assert total(outcomes, "missing_faults") == Counter()


@pytest.mark.soak
def test_the_engines_agree_on_a_hundred_million_instructions():
    numbers = list(range(1000, 1032))
    outcomes = run_batches(numbers, "--sites", "26", "--loops", "24", "--loop-count", "160000")
    assert sum(outcome["executed"] for outcome in outcomes) >= 10 * EXECUTED_MIN
