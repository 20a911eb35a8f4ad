"""Where each part of a thread's state stands in the one block of memory that all code shares.

numpy, ctypes and translated code read and write the same bytes. Every field is 8-byte aligned,
every register wider than that to its own size up to 64 bytes.
"""

from dataclasses import dataclass
from enum import IntEnum

from dojo_tools.bits import mask
from dojo_tools.description import Description
from dojo_tools.description.semantics import ARGUMENTS_MAX

_LINE = 64
ACTIONS_MAX = 64


class Exit(IntEnum):
    """Why translated code came back: what a region or the dispatcher returns."""

    CONTINUE = 0
    """The next instruction is at `pc`: the dispatcher goes on there."""

    LIMIT = 1
    """As many instructions as the host allowed, or a few more, have retired."""

    FAULT = 2
    """The instruction at `pc` faults; `fault_kind` and what follows say how."""

    ACTIONS = 3
    """The host has to perform what the instruction before `pc` asked for."""

    HOT = 4
    """The code at `pc` is worth a better translation."""

    WRITTEN = 5
    """A store changed a line of memory that has translated code."""

    MISSING = 6
    """There is no translation for `pc` and `shape` yet."""

    REQUEST = 7
    """The instruction before `pc` asks for what `request` and the words after it say."""

    TRACED = 8
    """The host has to take records of the trace before the code at `pc` can leave more."""


# `left` counts down and is below zero once the limit is reached: one comparison in loops. `last` is
# what has retired when it is zero.
_HEADER = (
    "pc",
    "shape",
    "left",
    "cycles",
    "last",
    "fault_kind",
    "fault_address",
    "fault_size",
    "fault_alignment",
    "fault_verb",
    "written",
    "table",
    "table_mask",
    "counters",
    "space",
    "action_count",
    "request",
    *(f"request_{index}" for index in range(ARGUMENTS_MAX)),
    "request_result",
)

# Where the next record of the trace goes, and the place behind which no block begins. They stand
# behind all else, so that code which is not traced is the same as without them.
TRACE_FIELDS = ("trace_next", "trace_end")


@dataclass(frozen=True, slots=True)
class StateLayout:
    """Offsets in bytes from the start of the state.

    `fields` are 64-bit words; those of the trace stand behind the `size` bytes of all others.
    `files` maps a register file to its first register. Control registers stand by number from
    `controls` on; a number without one holds zero.
    """

    fields: dict[str, int]
    actions: int
    files: dict[str, int]
    controls: int
    control_masks: tuple[int, ...]
    size: int
    traced_size: int

    @staticmethod
    def of(description: Description) -> "StateLayout":
        """Return the layout for a description's registers."""
        fields = {name: 8 * index for index, name in enumerate(_HEADER)}
        actions = 8 * len(_HEADER)
        offset = actions + 24 * ACTIONS_MAX
        files: dict[str, int] = {}
        for file in sorted(description.registers, key=lambda file: -file.width):
            size = file.width // 8
            offset = _aligned(offset, min(size, _LINE))
            files[file.name] = offset
            offset += size * file.count
        numbers = {control.number: mask(control.width) for control in description.controls}
        masks = tuple(numbers.get(number, 0) for number in range(max(numbers, default=-1) + 1))
        size = _aligned(offset + 8 * len(masks), _LINE)
        fields |= {name: size + 8 * index for index, name in enumerate(TRACE_FIELDS)}
        return StateLayout(
            fields,
            actions,
            files,
            offset,
            masks,
            size,
            _aligned(size + 8 * len(TRACE_FIELDS), _LINE),
        )

    def control(self, number: int) -> int:
        """Return the offset of a control register."""
        return self.controls + 8 * number


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
