"""The names that the linker defines in every program; a source still declares those it uses."""

STACK_SIZE = "__stack_size"
HEAP_SIZE = "__heap_size"
THREAD_COUNT = 4

LINKER_NAMES = frozenset(
    [STACK_SIZE, HEAP_SIZE, "__stack_top", "__heap_start", "__heap_end"]
    + [f"__stack_top_{thread}" for thread in range(THREAD_COUNT)]
    + [f"__{stem}_{end}" for stem in ("text", "data", "bss") for end in ("start", "end")]
)
