"""What code is translated for: the description, the memory of the node, and the options.

Options make variants of one translation, never copies of it.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from dojo_tools.description import Description, RegisterFile
from dojo_tools.engines.native.layout import StateLayout
from dojo_tools.formats.table import Denormals


@dataclass(frozen=True, slots=True)
class Target:
    """One description on one machine; sizes in bytes. `barred` is as in `Terms`."""

    description: Description
    memory_size: int
    memory_low: int
    denormals: Denormals = "printed"
    barred: frozenset[int] = frozenset()
    layout: StateLayout = field(init=False)
    files: dict[str, RegisterFile] = field(init=False)
    controls: dict[str, int] = field(init=False)
    """The number of each control register."""

    def __post_init__(self) -> None:
        description = self.description
        object.__setattr__(self, "layout", StateLayout.of(description))
        object.__setattr__(self, "files", {file.name: file for file in description.registers})
        numbers = {control.name: control.number for control in description.controls}
        object.__setattr__(self, "controls", numbers)

    def control(self, name: str) -> int:
        """Return the number of a control register that meanings use without naming it."""
        return self.controls[name]


class ComputedJump(NamedTuple):
    """A jump to a computed address: where it stands and where it went."""

    site: int
    target: int


@dataclass(frozen=True, slots=True)
class Variant:
    """What a translation does beside computing: each choice costs only where it is taken."""

    stepping: bool = False
    """Look at the limit before every instruction, not only on the way back in loops."""

    size_max: int = 1024
    """Instructions in a region."""

    optimised: bool = False
    """Spend time on good code, once it is known to run long."""

    jumps: tuple[ComputedJump, ...] = ()
    """Computed jumps that are known to have been made: their targets become part of a region."""

    traced: int = 0
    """Leave a record of every instruction that retires, in a ring with room for so many."""

    @property
    def names(self) -> tuple[str, ...]:
        """What tells it from others of the same level, for people: nothing of the usual one."""
        step = ("single" if self.size_max == 1 else "step",) if self.stepping else ()
        return (*step, "traced") if self.traced else step
