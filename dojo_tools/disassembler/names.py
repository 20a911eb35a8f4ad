"""What a listing calls each symbol: a name the assembler accepts, and no two alike.

An object may hold two local symbols of one name, and a foreign one may hold names that no source
can write; those get a made-up name. Names do not reach the bytes.
"""

import re
from collections.abc import Collection, Sequence

from dojo_tools.objects import Symbol

_NAME = re.compile(r"(?:[A-Za-z_$]|\.[A-Za-z_$])[0-9A-Za-z_.$]*", re.ASCII)


class Names:
    """The names in use in a listing."""

    def __init__(self, symbols: Sequence[Symbol], reserved: Collection[str]) -> None:
        self._taken: dict[str, int] = {}
        self._reserved = reserved
        self._by_symbol = [self._claim(symbol.name) for symbol in symbols]

    def of_symbol(self, index: int) -> str:
        """Return the name of a symbol by its index in the file."""
        return self._by_symbol[index]

    def temporary(self, address: int) -> str:
        """Return a new local name for an address that no symbol names."""
        return self._claim(f".L_{address:06x}")

    def _claim(self, wanted: str) -> str:
        """Return `wanted`, or the first of `wanted.2`, `wanted.3`, ... that is free."""
        if not _NAME.fullmatch(wanted) or wanted in self._reserved:
            wanted = f"symbol.{re.sub('[^A-Za-z0-9_.]', '_', wanted)}"
        name, number = wanted, self._taken.get(wanted, 1)
        while name in self._taken:
            number += 1
            name = f"{wanted}.{number}"
        # Where the search ended is where the next one for this name starts.
        self._taken[name] = 1
        self._taken[wanted] = number
        return name
