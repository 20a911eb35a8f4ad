"""Whether a stack has been deeper than what is reserved for it, seen at the end of a run.

No engine watches stack pointers. What can be seen costs nothing while a program runs: a stack
pointer that is still too low, and memory below the lowest stack, zero at first and nobody's, that
has changed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dojo_tools.diagnostics import Diagnostic, Event, Severity
from dojo_tools.machine.program_view import ProgramView

STACK_TOP, STACK_SIZE, HEAP_END = "__stack_top", "__stack_size", "__heap_end"

LOOKED_AT_BYTES = 1 << 14
"""So far below the lowest stack is looked at for how deep it has been."""

GAP_BYTES = 256
"""A frame may leave so many bytes as they are; what is farther below does not belong to it."""


@dataclass(frozen=True, slots=True)
class DeepStack:
    """A stack that needs at least `depth` bytes where `size` are reserved.

    `is_seen_in_memory` where only bytes below it tell, which somebody else may have written.
    """

    thread: int
    depth: int
    size: int
    is_seen_in_memory: bool

    def warning(self, who: str, event: Event) -> Diagnostic:
        """Return a warning that names the threads by `who`."""
        text = f"the stack of {who} is {self.depth} bytes deep at the end, {self.size} are reserved"
        hint = f"`{STACK_SIZE}` in the program, or `--stack-size` of `dojo-ld`, reserves more"
        if self.is_seen_in_memory:
            text = (
                f"the stack of {who} has been {self.depth} bytes deep or more, {self.size} are "
                "reserved: memory below it has changed"
            )
            hint += "; or is that memory used for something else?"
        return Diagnostic(Severity.WARNING, text, hint=hint, name="deep-stack", event=event)


@dataclass(frozen=True, slots=True)
class Stacks:
    """The stacks of a program's threads: each begins where that of the thread before ends.

    `floor` is the end of the program's sections and heap.
    """

    top: int
    size: int
    count: int
    floor: int

    @property
    def bottom(self) -> int:
        """The lowest address of the last thread's stack."""
        return self.top - self.count * self.size

    @property
    def lowest_pointer(self) -> int:
        """The lowest pointer of a stack that has grown too deep; others are of stacks elsewhere."""
        return max(self.floor, self.bottom - LOOKED_AT_BYTES)


def stacks_of(view: ProgramView, count: int) -> Stacks | None:
    """Return the stacks of a program's threads, None where the image does not say it in one way."""
    found = {
        name: {symbol.value for symbol in view.image.symbols if symbol.name == name}
        for name in (STACK_TOP, STACK_SIZE, HEAP_END)
    }
    if any(len(values) != 1 for values in found.values()):
        return None
    (top,), (size,), (floor,) = found.values()
    return Stacks(top, size, count, max(floor, view.end)) if size else None


def deep_stack(
    stacks: Stacks, stack_pointers: Mapping[int, int], read_memory: Callable[[int, int], bytes]
) -> DeepStack | None:
    """Return the first stack of a node that is, or else has been, too deep.

    `stack_pointers` are those of the threads that have run, by number.
    """
    for thread, pointer in sorted(stack_pointers.items()):
        depth = stacks.top - thread * stacks.size - pointer
        if depth > stacks.size and pointer >= stacks.lowest_pointer:
            return DeepStack(thread, depth, stacks.size, is_seen_in_memory=False)
    start, end = stacks.lowest_pointer, stacks.bottom
    below = _changed_below(read_memory(start, end - start)) if start < end else 0
    if not below:
        return None
    return DeepStack(stacks.count - 1, stacks.size + below, stacks.size, is_seen_in_memory=True)


def _changed_below(contents: bytes) -> int:
    """Return how far down from the end bytes are not zero, with gaps as frames may leave."""
    end = len(contents)
    while end:
        found = len(contents[max(0, end - GAP_BYTES) : end].lstrip(b"\0"))
        if not found:
            break
        end -= found
    return len(contents) - end
