"""Two threads that run the same program, and everything in which they may differ."""

from dataclasses import dataclass
from typing import Literal

from dojo_tools.description import Description, load_machine
from dojo_tools.engines.native import NativeThread
from dojo_tools.engines.native.machine_code import Target
from dojo_tools.engines.native.timeline import Timeline
from dojo_tools.engines.native.translations import Translator
from dojo_tools.engines.state import Difference, differences
from dojo_tools.engines.timing import IssueRule
from programs import (
    LOW,
    SIZE,
    ObservedThread,
    Program,
    Stopped,
    go_on,
    next_stop,
    prepare,
    run_through,
)

Variant = Literal["quick", "optimised", "untimed", "recorded"]

RECORDS = 64
"""Of each thread that keeps some: more than a stretch between two comparisons often has."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What new pairs of threads are made with; they share what has been translated.

    "quick" makes quick code first and better code of what is hot, with timing, as by default;
    "optimised" spends on all code what hot code is worth; "untimed" is quick code without timing;
    with "recorded" threads keep their last instructions, which have to be the same.
    """

    description: Description
    native_description: Description
    variant: Variant
    rule: IssueRule | None
    translator: Translator

    @classmethod
    def of(
        cls, description: Description, variant: Variant, native_description: Description
    ) -> "Engines":
        """Return the engines of a variant; a wrong native description shows what is found."""
        rule = None if variant == "untimed" else IssueRule(description, load_machine("node"))
        timeline = None if rule is None else Timeline(rule)
        translator = Translator(Target(native_description, SIZE, LOW), timeline)
        return cls(description, native_description, variant, rule, translator)

    def pair(self) -> "Pair":
        """Return two new threads."""
        records = RECORDS if self.variant == "recorded" else 0
        reference = ObservedThread(self.description, SIZE, LOW, rule=self.rule, records=records)
        reference.executed = set()
        optimised = self.variant == "optimised"
        native = NativeThread(
            self.native_description,
            SIZE,
            LOW,
            translator=self.translator,
            optimised=optimised,
            records=records,
        )
        return Pair(reference, native, records)


@dataclass(slots=True)
class Pair:
    """The reference thread and a native one with the same history."""

    reference: ObservedThread
    native: NativeThread
    records: int = 0

    def differences(self) -> list[Difference]:
        """Return where the two states differ, and the last instructions if they are kept."""
        found = differences(self.reference, self.native)
        if self.records:
            one, two = (
                thread.last_records(self.records) for thread in (self.reference, self.native)
            )
            pairs = zip(one, two, strict=False)
            found += [Difference("record", str(a), str(b)) for a, b in pairs if a != b]
            if len(one) != len(two):
                found.append(Difference("records", str(len(one)), str(len(two))))
        return found

    def run(self, program: Program) -> list[Difference]:
        """Run a program on both, comparing after every piece; return the first differences."""
        prepare(self.reference, program)
        prepare(self.native, program)
        start, index, counted = self.reference.retired, 0, 0
        while counted <= program.stops_max:
            one = next_stop(self.reference, program, index, start)
            two = next_stop(self.native, program, index, start)
            found = self.differences()
            if one != two:
                found.insert(0, Difference("stop", str(one), str(two)))
            if found or one is None or two is None:
                return found
            index += 1
            counted += go_on(self.reference, one)
            go_on(self.native, two)
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
