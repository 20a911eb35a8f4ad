"""Lets code be timed step by step, as where it has too many shapes to be translated for each."""

import pytest

from dojo_tools.engines.native import region
from dojo_tools.engines.native import thread as native_thread
from dojo_tools.engines.native.region_cache import RegionCache


def time_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Translate for the empty shape only from now on, and nothing from the disk."""

    def has_shape(thread: native_thread.NativeThread, translations: object) -> bool:
        del translations
        return thread.shape != 0

    monkeypatch.setattr(native_thread.NativeThread, "_has_many_shapes", has_shape)
    monkeypatch.setattr(region, "VERSIONS_MAX", 1)
    monkeypatch.setattr(RegionCache, "can_hold", staticmethod(nothing_is_held))


def nothing_is_held(target: object) -> bool:
    """Return that no region of any target is kept on disk."""
    del target
    return False


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with every slow step from now on."""
    steps: list[int] = []
    step = native_thread.NativeThread.step

    def counted(thread: native_thread.NativeThread) -> object:
        steps.append(thread.pc)
        return step(thread)

    monkeypatch.setattr(native_thread.NativeThread, "step", counted)
    return steps
