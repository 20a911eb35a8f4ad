"""Two threads that run the same program, and everything in which they may differ."""

from dataclasses import dataclass
from typing import Literal

from programs import (
    FAULTS_MAX,
    LOW,
    SIZE,
    ObservedThread,
    Program,
    Stopped,
    next_stop,
    prepare,
    run_on,
    run_through,
)

from dojo_tools.description import Description
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.translations import Translator
from dojo_tools.engines.state import Difference, differences
from dojo_tools.engines.stop import StopReason

Tier = Literal["quick", "optimised"]


@dataclass(slots=True)
class Pair:
    """The reference thread and a native one with the same history."""

    reference: ObservedThread
    native: NativeThread

    @classmethod
    def fresh(cls, description: Description, translator: Translator) -> "Pair":
        """Return two new threads; the native one translates with a shared translator."""
        reference = ObservedThread(description, SIZE, LOW)
        reference.executed = set()
        return cls(reference, NativeThread(description, SIZE, LOW, translator=translator))

    def differences(self) -> list[Difference]:
        """Return where the two states differ."""
        return differences(self.reference, self.native)

    def run(self, program: Program) -> list[Difference]:
        """Run a program on both, comparing after every piece; return the first differences."""
        prepare(self.reference, program)
        prepare(self.native, program)
        start, index, faults = self.reference.retired, 0, 0
        while True:
            one = next_stop(self.reference, program, index, start)
            two = next_stop(self.native, program, index, start)
            found = self.differences()
            if one != two:
                found.insert(0, Difference("stop", str(one), str(two)))
            if found or one is None or two is None:
                return found
            index += 1
            faults += one.reason is StopReason.FAULT
            if faults > FAULTS_MAX or not (run_on(self.reference, one) & run_on(self.native, two)):
                return []

    def follow(self, program: Program, stops: list[Stopped]) -> list[Difference]:
        """Run on the native thread what the reference has run already; return the differences."""
        prepare(self.native, program)
        found_stops = run_through(self.native, program)
        found = self.differences()
        if stops != found_stops:
            pairs = zip(stops, found_stops, strict=False)
            different = [(one, two) for one, two in pairs if one != two]
            one, two = different[0] if different else (len(stops), len(found_stops))
            found.insert(0, Difference("stop", str(one), str(two)))
        return found


def translator_of(description: Description, tier: Tier) -> Translator:
    """Return a translator that makes quick code first, or optimises all at once."""
    return Translator(Target(description, SIZE, LOW), always_optimised=tier == "optimised")
