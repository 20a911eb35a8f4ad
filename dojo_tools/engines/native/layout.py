"""Where each part of a thread's state stands in the one block of memory that all code shares.

numpy, ctypes and translated code read and write the same bytes. Every field is 8-byte aligned,
every register wider than that to its own size up to 64 bytes. What every thread touches comes last
and together, so that one which uses no wide registers takes one page of memory, not two.
"""

from dataclasses import dataclass
from enum import IntEnum

from dojo_tools.bits import mask
from dojo_tools.description import Description, RegisterFile
from dojo_tools.description.semantics import ARGUMENTS_MAX

_LINE = 64
_WORD = 8
PAGE = 4096
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
    """The region that `hot` tells, by its key, is worth a better translation, from `pc` on."""

    WRITTEN = 5
    """A store changed a line of memory that has translated code."""

    MISSING = 6
    """There is no translation for `pc` and `shape` yet."""

    REQUEST = 7
    """The instruction before `pc` asks for what `request` and the words after it say."""


# `left` counts down and is below zero once the limit is reached: one comparison in loops. `last` is
# what has retired when it is zero. In stepping code nothing issues in the cycle `end` or later.
# `jumped` is the last computed jump that left a region: its address, above 32 bits of its target.
# What every call of translated code and every request touch stands first, in two cache lines.
_HEADER = (
    "pc",
    "shape",
    "left",
    "cycles",
    "last",
    "end",
    "table",
    "table_mask",
    "counters",
    "space",
    "action_count",
    "request",
    *(f"request_{index}" for index in range(ARGUMENTS_MAX)),
    "request_result",
    "stepping_space",
    "jumped",
    "fault_kind",
    "fault_address",
    "fault_size",
    "fault_alignment",
    "fault_verb",
    "written",
    "hot",
)

# Where the records of the last instructions are, and how many have been left. They stand behind all
# else, so that code which is not traced is the same as without them.
TRACE_FIELDS = ("trace_ring", "trace_count")


@dataclass(frozen=True, slots=True)
class StateLayout:
    """Offsets in bytes from the start of the state.

    `fields` are 64-bit words; those of the trace stand behind the `size` bytes of all others.
    `files` maps a register file to its first register; the wide ones
    stand before `often_used`, which begins a page. Control registers stand by number from
    `controls` on; a number without one holds zero.
    """

    often_used: int
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
        wide = [file for file in description.registers if file.width > 8 * _WORD]
        narrow = [file for file in description.registers if file.width <= 8 * _WORD]
        files, wide_end = _placed(wide, 0)
        often_used = _aligned(wide_end, PAGE)
        fields = {name: often_used + _WORD * index for index, name in enumerate(_HEADER)}
        narrow_files, controls = _placed(narrow, _aligned(often_used + _WORD * len(_HEADER), _LINE))
        numbers = {control.number: mask(control.width) for control in description.controls}
        masks = tuple(numbers.get(number, 0) for number in range(max(numbers, default=-1) + 1))
        actions = _aligned(controls + _WORD * len(masks), _LINE)
        size = _aligned(actions + 3 * _WORD * ACTIONS_MAX, _LINE)
        fields |= {name: size + _WORD * index for index, name in enumerate(TRACE_FIELDS)}
        return StateLayout(
            often_used,
            fields,
            actions,
            files | narrow_files,
            controls,
            masks,
            size,
            _aligned(size + _WORD * len(TRACE_FIELDS), _LINE),
        )

    def control(self, number: int) -> int:
        """Return the offset of a control register."""
        return self.controls + _WORD * number


def _placed(files: list[RegisterFile], offset: int) -> tuple[dict[str, int], int]:
    """Return the offset of each file from `offset` on, widest first, and the end of the last."""
    placed: dict[str, int] = {}
    for file in sorted(files, key=lambda file: -file.width):
        size = file.width // 8
        offset = _aligned(offset, min(size, _LINE))
        placed[file.name] = offset
        offset = _aligned(offset + size * file.count, _WORD)
    return placed, offset


def _aligned(offset: int, alignment: int) -> int:
    return -(-offset // alignment) * alignment
