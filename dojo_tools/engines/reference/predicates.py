"""Predicated writes.

The code of a predicate is 0 for all lanes, n to keep the lanes that mask n leaves out, and
count + n to clear them, where `count` is how many masks there are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dojo_tools.engines.reference.arithmetic import pack_mask, unpack_mask


def active_lanes(masks: list[int], predicate: int, lanes: int) -> NDArray[np.bool_]:
    """Return the lanes that a predicate lets through."""
    if predicate == 0:
        return np.ones(lanes, np.bool_)
    return unpack_mask(masks[predicate % len(masks)], lanes)


def write_lanes(place: NDArray[Any], bits: NDArray[Any], masks: list[int], predicate: int) -> None:
    """Write the active lanes of a register's view; the others stay or become zero."""
    if predicate == 0:
        place[:] = bits
        return
    kept = np.zeros_like(place) if predicate >= len(masks) else place
    place[:] = np.where(active_lanes(masks, predicate, len(bits)), bits, kept)


def merge_mask(old: int, lanes: NDArray[np.bool_], masks: list[int], predicate: int) -> int:
    """Return a mask whose active lanes are new; bits beyond the lanes are zero."""
    if predicate == 0:
        return pack_mask(lanes)
    kept = unpack_mask(0 if predicate >= len(masks) else old, len(lanes))
    return pack_mask(np.where(active_lanes(masks, predicate, len(lanes)), lanes, kept))
