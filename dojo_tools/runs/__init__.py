"""Runs: what goes into a program, what must come out, and the report of what did."""

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
