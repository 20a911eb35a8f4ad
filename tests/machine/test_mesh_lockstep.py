"""Random programs of many nodes: those without races compute what they must, on both engines alike.

`MESH_SEED` in the environment draws others, `MESH_BATCH` runs one batch of each kind again.
"""

import multiprocessing
import os
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from dojo_tools.machine.mesh import EndReason
from mesh_lockstep import Outcome, run_batch
from random_meshes import BLOCKS, Batch

SEED = int(os.environ.get("MESH_SEED", "20261127"))
ONLY = os.environ.get("MESH_BATCH")
RACE_FREE, RACY = 1000, 300


def run_all(count: int, is_racy: bool) -> list[Outcome]:
    """Run so many programs, a batch a process; fail with what is wrong, and how to see it again."""
    numbers = [int(ONLY)] if ONLY else range(-(-count // BLOCKS**2))
    batches = [Batch(SEED, number, is_racy) for number in numbers]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        outcomes = list(pool.map(run_batch, batches))
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    assert not wrong, "\n".join(
        f"MESH_SEED={SEED} MESH_BATCH={outcome.batch.number}, racy: {is_racy}\n  "
        + "\n  ".join(outcome.wrong)
        for outcome in wrong
    )
    return outcomes


def test_race_free() -> None:
    """Results are those of the model; both engines agree in state and cycles."""
    outcomes = run_all(RACE_FREE, is_racy=False)
    assert {outcome.reason for outcome in outcomes} == {EndReason.DONE}


def test_racy() -> None:
    """Whatever they do, both engines do the same, and tell the same of who waits."""
    reasons = Counter(outcome.reason for outcome in run_all(RACY, is_racy=True))
    assert ONLY or reasons[EndReason.DEADLOCK] > RACY // BLOCKS**2 // 2, reasons
