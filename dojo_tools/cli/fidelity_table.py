"""Prints the published figures of the D1 beside what programs on the model of it reach."""

from dojo_tools.diagnostics import ExitCode
from dojo_tools.runs.fidelity import TOLERANCE, measure_all

_COLUMNS = "{:18} {:>9} {:>9} {:8} {:>6}  {:10} {}"


def print_fidelity(engine: str) -> ExitCode:
    """Measure every figure on an engine; fail if one is too far from what is published."""
    print(_COLUMNS.format("figure", "published", "measured", "unit", "ratio", "program", "machine"))
    rows = measure_all(engine)
    for row in rows:
        figure = row.figure
        published, measured, ratio = f"{figure.published:g}", f"{row.measured:.4g}", row.ratio
        fields = (published, measured, figure.unit, f"{ratio:.3f}", figure.program, figure.machine)
        print(_COLUMNS.format(figure.name, *fields))
    far = [row.figure.name for row in rows if not row.holds]
    if far:
        print(f"more than {TOLERANCE:.0%} from what is published: {', '.join(far)}")
    return ExitCode.CHECK_FAILED if far else ExitCode.DONE
