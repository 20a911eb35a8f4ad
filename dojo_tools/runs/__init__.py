"""Runs: what goes into a program, what must come out, and the report of what did."""

from typing import TYPE_CHECKING

from dojo_tools.late_names import late_names

if TYPE_CHECKING:
    from dojo_tools.runs.compare import AccuracyResult, Comparison, Difference
    from dojo_tools.runs.execute import execute_run
    from dojo_tools.runs.expression import Expression, parse_expression
    from dojo_tools.runs.model import (
        Accuracy,
        Argument,
        Check,
        Dump,
        Generate,
        Input,
        Output,
        RunFile,
        Show,
        Tolerance,
    )
    from dojo_tools.runs.progress import Listener
    from dojo_tools.runs.report import InputResult, OutputResult, RunReport, Status
    from dojo_tools.runs.run_file import load_run_file, parse_argument
    from dojo_tools.runs.tensor_files import check_suffix

_PLACES = {
    "AccuracyResult": "compare",
    "Comparison": "compare",
    "Difference": "compare",
    "execute_run": "execute",
    "Expression": "expression",
    "parse_expression": "expression",
    "Accuracy": "model",
    "Argument": "model",
    "Check": "model",
    "Dump": "model",
    "Generate": "model",
    "Input": "model",
    "Output": "model",
    "RunFile": "model",
    "Show": "model",
    "Tolerance": "model",
    "Listener": "progress",
    "InputResult": "report",
    "OutputResult": "report",
    "RunReport": "report",
    "Status": "report",
    "load_run_file": "run_file",
    "parse_argument": "run_file",
    "check_suffix": "tensor_files",
}

__all__ = [
    "Accuracy",
    "AccuracyResult",
    "Argument",
    "Check",
    "Comparison",
    "Difference",
    "Dump",
    "Expression",
    "Generate",
    "Input",
    "InputResult",
    "Listener",
    "Output",
    "OutputResult",
    "RunFile",
    "RunReport",
    "Show",
    "Status",
    "Tolerance",
    "check_suffix",
    "execute_run",
    "load_run_file",
    "parse_argument",
    "parse_expression",
]

__getattr__ = late_names(__name__, _PLACES)
