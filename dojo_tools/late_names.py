"""Names of a package that are imported when they are first used, so that start-up stays short."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def late_names(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package; `places` has the module of each of its names.

    No name may be that of a module of the package: Python sets that by itself.
    """

    def getattr_(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{places[name]}"), name)

    return getattr_
