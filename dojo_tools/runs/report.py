"""What a run came to, for people and as JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from dojo_tools.diagnostics import Diagnostic, ExitCode, Span, render
from dojo_tools.engines.stop import Stop
from dojo_tools.machine import LastInstructions, Machine
from dojo_tools.machine.node_lists import nodes_text
from dojo_tools.objects import LineEntry

if TYPE_CHECKING:
    from dojo_tools.machine.mesh import Mesh, MeshEnd, MeshLine
    from dojo_tools.runs.compare import AccuracyResult, Comparison, Difference

FORMAT_VERSION = 1


class Status(Enum):
    """How a run ended, in the words of summaries and reports."""

    DONE = "done"
    CHECK_FAILED = "check failed"
    OVER_BUDGET = "over budget"
    HALT_CODE = "halted with a code"
    FAULT = "fault"
    LIMIT = "limit"
    DEADLOCK = "deadlock"
    INTERRUPTED = "interrupted"
    DIFFERED = "engines differ"


EXIT_CODES = {
    Status.DONE: ExitCode.DONE,
    Status.CHECK_FAILED: ExitCode.CHECK_FAILED,
    Status.OVER_BUDGET: ExitCode.CHECK_FAILED,
    Status.HALT_CODE: ExitCode.CHECK_FAILED,
    Status.FAULT: ExitCode.GUEST_FAULT,
    Status.LIMIT: ExitCode.LIMIT,
    Status.DEADLOCK: ExitCode.DEADLOCK,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
    Status.DIFFERED: ExitCode.ENGINES_DIFFER,
}


FAILURES = {
    Status.CHECK_FAILED: "check-failed",
    Status.OVER_BUDGET: "over-budget",
    Status.HALT_CODE: "halt-code",
    Status.FAULT: "fault",
    Status.LIMIT: "limit",
    Status.DEADLOCK: "deadlock",
    Status.INTERRUPTED: "interrupted",
    Status.DIFFERED: "engines-differ",
}
"""How diagnostics name the ways in which a run fails."""

DIAGNOSTIC_NAMES = {
    "check-failed": "An output is not what the run file says.",
    "over-budget": "The run took more cycles than `limits.cycles`.",
    "halt-code": "A thread halted with a code that is not zero.",
    "fault": "An instruction or a request of the program could not be carried out.",
    "limit": "A thread executed more instructions than it may.",
    "deadlock": "Nothing happens any more, and threads or lists wait.",
    "wrong-example": "A worked example of the description does not hold.",
    "interrupted": "The run was interrupted.",
    "engines-differ": "The two engines differ: a mistake in one of them.",
    "left-over-posts": "A semaphore holds posts at the end that nobody has waited for.",
    "deep-stack": "A stack is, or has been, deeper than what is reserved for it.",
    "cut-off-nodes": "Live nodes are cut off by dead ones and can't be used.",
    "unused-grid": "The size of the grid is not used: the programs are placed.",
}
"""A sentence for each name of a diagnostic of a run."""


@dataclass(frozen=True, slots=True)
class InputResult:
    """A tensor as it was put into memory; `origin` is a file's name or a kind, with its seed.

    It is `argument` where an argument for the same symbol, from the command line, came after it.

    `saturated` counts the numbers that were beyond a CFloat element type.
    """

    symbol: str
    element: str
    shape: tuple[int, ...]
    size: int
    origin: str
    seed: int | None = None
    saturated: int = 0


@dataclass(frozen=True, slots=True)
class OutputResult:
    """A tensor as it was found after the program halted; `saved` is the file it went to.

    `at_limit` counts the values that are what too large ones become in a CFloat element type.
    Of many nodes that hold it those of `wrong_nodes` have wrong values; `node` is the one of them
    that is furthest off, whose values are counted here. Where nodes hold different values it is not
    `is_uniform`: the first node's count if all are right, and are saved, as `saved_node` says.
    `span` is where the run file asks for it.
    """

    symbol: str
    element: str
    shape: tuple[int, ...]
    saved: str | None = None
    comparison: "Comparison | None" = None
    accuracy: "AccuracyResult | None" = None
    at_limit: int = 0
    node: tuple[int, int] | None = None
    wrong_nodes: tuple[tuple[int, int], ...] = ()
    is_uniform: bool = True
    saved_node: tuple[int, int] | None = None
    span: Span | None = None

    @property
    def passed(self) -> bool:
        """Whether every check of this output holds."""
        parts = (self.comparison, self.accuracy)
        return all(part is None or part.passed for part in parts)

    def lines(self) -> list[str]:
        """Return what was found and saved, a line each, the count of matches last."""
        head, *found = self.found_lines()
        if self.saved is None:
            return [head, *found]
        whose = "" if self.saved_node is None else f", the values of node {self.saved_node}"
        return [head, f"saved {self.saved}{whose}", *found]

    def found_lines(self) -> list[str]:
        """Return what was found, a line each, the count of matches last."""
        place = f" of {nodes_text(self.wrong_nodes)}" if self.wrong_nodes else ""
        there = f" on node {self.node}" if len(self.wrong_nodes) > 1 else ""
        lines = [f"output {self.symbol}{place}"]
        if not self.is_uniform and self.passed:
            lines.append("nodes hold different values: these are of the first")
        if self.at_limit:
            lines.append(f"{self.at_limit} values are at the limit of {self.element}")
        if self.comparison is not None and self.comparison.saturated:
            lines.append(f"{self.comparison.saturated} expected values saturate")
        if self.comparison is not None and self.comparison.largest is not None:
            lines.append(_largest_text(self.comparison.largest) + there)
            if not self.comparison.passed:
                lines += [f"  {difference}" for difference in self.comparison.differences]
                more = self.comparison.differing_elements - len(self.comparison.differences)
                lines += [f"  and {more} more elements"] if more else []
        if self.accuracy is not None:
            lines.append(f"{self.accuracy}{there}")
        if self.comparison is not None:
            lines.append(f"{self.comparison}{there}")
        return lines


def _largest_text(largest: "Difference") -> str:
    place = f" at {list(largest.index)}" if largest.index else ""
    return f"largest error {largest.error:.3g}{place}"


@dataclass(frozen=True, slots=True)
class RunReport:
    """The outcome of a run.

    `stop` is None for an interrupted one. `pc` is the next instruction or the one that faulted,
    `line` its source line. `failures` say where and why it failed, nothing if all is well.
    `printed` is cut off after `PRINTED_MAX` characters. What `ran`, a machine of one node or a
    mesh, is in its final state; of a mesh `end` says how it ended and `lines` who printed what.
    `last` has what each thread that began did last, if that was asked for.
    """

    name: str
    status: Status
    stop: Stop | None
    pc: int
    line: LineEntry | None
    failures: tuple[Diagnostic, ...]
    retired: int
    cycles: int
    causes: Mapping[str, int]
    cycles_max: int | None
    printed: str
    is_printed_cut: bool
    inputs: tuple[InputResult, ...]
    outputs: tuple[OutputResult, ...]
    warnings: tuple[Diagnostic, ...]
    ran: "Machine | Mesh" = field(repr=False, compare=False)
    end: "MeshEnd | None" = None
    lines: "tuple[MeshLine, ...]" = ()
    last: tuple[LastInstructions, ...] = ()

    @property
    def machine(self) -> Machine:
        """The machine, of a run on one node."""
        assert isinstance(self.ran, Machine)
        return self.ran

    @property
    def mesh(self) -> "Mesh":
        """The mesh, of a run on many nodes."""
        assert not isinstance(self.ran, Machine)
        return self.ran

    @property
    def message(self) -> str | None:
        """Where and why it failed, as text, None if all is well."""
        return "\n".join(render(found) for found in self.failures) or None

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that makes this run."""
        return EXIT_CODES[self.status]

    def to_json(self) -> dict[str, Any]:
        """Return the report as values for JSON; a number that is not finite becomes a string.

        The same run gives the same report: it holds no times and no machine.
        """
        stop = self.stop
        return {
            "format": "dojo-run",
            "version": FORMAT_VERSION,
            "run": self.name,
            "status": self.status.value,
            "exit_code": int(self.exit_code),
            "stop": None if stop is None else {"reason": stop.reason.value, "code": stop.code},
            "fault": None if stop is None or stop.fault is None else self._fault_json(),
            "pc": self.pc,
            "file": None if self.line is None else self.line.file,
            "line": None if self.line is None else self.line.line,
            "column": None if self.line is None else self.line.column,
            "retired": self.retired,
            "cycles": self.cycles,
            "cycles_max": self.cycles_max,
            "cycles_by_cause": dict(self.causes),
            "printed": self.printed,
            "printed_cut": self.is_printed_cut,
            "inputs": [
                {
                    "symbol": tensor.symbol,
                    "element": tensor.element,
                    "shape": list(tensor.shape),
                    "size": tensor.size,
                    "origin": tensor.origin,
                    "seed": tensor.seed,
                    "saturated": tensor.saturated,
                }
                for tensor in self.inputs
            ],
            "outputs": [_output_json(output) for output in self.outputs],
            "last_instructions": [_last_json(last) for last in self.last],
            **self._mesh_json(),
        }

    def _mesh_json(self) -> dict[str, Any]:
        if self.end is None:
            return {}
        # A run on one node has no mesh to load.
        from dojo_tools.runs.mesh_report import mesh_json  # noqa: PLC0415  see above

        return {"mesh": mesh_json(self.mesh, self.end, self.lines)}

    def _fault_json(self) -> dict[str, Any]:
        assert self.stop is not None
        fault = self.stop.fault
        assert fault is not None
        return {
            "kind": fault.kind.value,
            "pc": fault.pc,
            "message": fault.message,
            "hint": fault.hint,
        }


def _last_json(last: LastInstructions) -> dict[str, Any]:
    return {
        "node": list(last.node),
        "thread": last.thread,
        "instructions": [
            {
                "cycle": entry.cycle,
                "pc": entry.pc,
                "text": entry.text,
                "file": None if entry.line is None else entry.line.file,
                "line": None if entry.line is None else entry.line.line,
                "registers": {change.place: change.after for change in entry.changes},
            }
            for entry in last.entries
        ],
    }


def _output_json(output: OutputResult) -> dict[str, Any]:
    check, accuracy = output.comparison, output.accuracy
    return {
        "symbol": output.symbol,
        "element": output.element,
        "shape": list(output.shape),
        "node": None if output.node is None else list(output.node),
        "wrong_nodes": [list(node) for node in output.wrong_nodes],
        "uniform": output.is_uniform,
        "saved": output.saved,
        "saved_node": None if output.saved_node is None else list(output.saved_node),
        "at_limit": output.at_limit,
        "passed": output.passed,
        "check": None
        if check is None
        else {
            "unit": check.unit,
            "matched": check.matched,
            "total": check.total,
            "differing_elements": check.differing_elements,
            "saturated": check.saturated,
            "largest": None if check.largest is None else _difference_json(check.largest),
            "differences": [_difference_json(difference) for difference in check.differences],
        },
        "accuracy": None
        if accuracy is None
        else {
            "value": accuracy.value,
            "correct": accuracy.correct,
            "total": accuracy.total,
            "at_least": accuracy.at_least,
        },
    }


def _difference_json(difference: "Difference") -> dict[str, Any]:
    error = difference.error
    return {
        "index": list(difference.index),
        "found": difference.found,
        "expected": difference.expected,
        "error": error if math.isfinite(error) else str(error),
    }
