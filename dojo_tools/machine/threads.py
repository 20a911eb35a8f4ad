"""Makes the thread of a machine: the reference engine, the native one, or both in lockstep."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dojo_tools.description import Description, MachineDef
from dojo_tools.engines.lockstep import LockstepThread
from dojo_tools.engines.thread import Thread
from dojo_tools.engines.timing import Terms
from dojo_tools.engines.translated import WatchTranslations

if TYPE_CHECKING:
    from dojo_tools.engines.reference import ReferenceThread

# Each engine is loaded where it is used: one loads numpy, 80 ms, the other LLVM, 60 ms.

ENGINES = ("native", "reference", "both")


def make_thread(
    engine: str,
    description: Description,
    machine: MachineDef,
    terms: Terms,
    watch: WatchTranslations | None = None,
    records: int = 0,
) -> Thread:
    """Return a new thread of an engine.

    `watch` gets all code that the native engine translates. As many `records` of its last
    instructions are kept; of both engines, the reference does it.
    """
    match engine:
        case "both":
            return LockstepThread(
                lambda: (
                    _reference(description, machine, terms, records),
                    _native(description, machine, terms, watch),
                )
            )
        case "native":
            return _native(description, machine, terms, watch, records)
        case _:
            return _reference(description, machine, terms, records)


def bare_threads(
    engine: str, description: Description
) -> dict[str, Callable[[Description, int, int], Thread]]:
    """Return what makes threads without timing, by the name of the engine; "both" gives two.

    The makers take a description, the size of memory and its lowest address.
    """
    makers: dict[str, Callable[[Description, int, int], Thread]] = {}
    if engine != "native":
        from dojo_tools.engines.reference import ReferenceThread  # noqa: PLC0415  see the top

        makers["reference"] = ReferenceThread
    if engine != "reference":
        from dojo_tools.engines.native import (  # noqa: PLC0415  see the top
            NativeThread,
            Target,
            Translator,
        )

        translators: dict[tuple[int, int], Translator] = {}

        def make(description: Description, size: int, low: int) -> Thread:
            if (size, low) not in translators:
                translators[size, low] = Translator(Target(description, size, low))
            return NativeThread(description, size, low, translator=translators[size, low])

        makers["native"] = make
    return makers


def observed_thread(thread: Thread) -> "ReferenceThread | None":
    """Return the reference thread that a trace can watch, if there is one."""
    from dojo_tools.engines.reference import ReferenceThread  # noqa: PLC0415  see the top

    if isinstance(thread, LockstepThread):
        thread = thread.first
    return thread if isinstance(thread, ReferenceThread) else None


def _reference(
    description: Description, machine: MachineDef, terms: Terms, records: int
) -> "ReferenceThread":
    from dojo_tools.engines.reference import ReferenceThread  # noqa: PLC0415  see the top

    return ReferenceThread(
        description,
        machine.sram_bytes,
        machine.reserved_bytes,
        machine.denormals,
        terms.rule,
        barred=terms.barred,
        records=records,
    )


def _native(
    description: Description,
    machine: MachineDef,
    terms: Terms,
    watch: WatchTranslations | None,
    records: int = 0,
) -> Thread:
    from dojo_tools.engines.native import (  # noqa: PLC0415  see the top
        NativeThread,
        Target,
        Translator,
    )
    from dojo_tools.engines.native.timeline import Timeline  # noqa: PLC0415  see the top

    timeline = None if terms.rule is None else Timeline(terms.rule)
    sizes = machine.sram_bytes, machine.reserved_bytes
    target = Target(description, *sizes, machine.denormals, terms.barred)
    translator = Translator(target, timeline, watch)
    return NativeThread(description, *sizes, translator=translator, records=records)
