"""What the native engine has translated, for somebody who wants to look at it."""

from collections.abc import Callable
from typing import NamedTuple


class Translated(NamedTuple):
    """The IR of a region: where it begins, for which shape of the scoreboard, how optimised.

    `variant` names what else is particular about it.
    """

    pc: int
    shape: int
    level: str
    variant: tuple[str, ...]
    text: str


WatchTranslations = Callable[[Translated], None]
