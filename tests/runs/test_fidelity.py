"""Published figures, measured: all but the slow ones, and equal cycles on both engines."""

import pytest

from dojo_tools.diagnostics import InputError
from dojo_tools.runs.fidelity import FIGURES, FigureRow, measure_all

NAMES = [figure.name for figure in FIGURES]


def measured(engine: str, name: str) -> FigureRow:
    (row,) = measure_all(engine, [name])
    return row


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_is_within_two_percent(name: str):
    row = measured("native", name)
    assert row.holds, f"{row.measured} {row.figure.unit}, published {row.figure.published}"


@pytest.mark.parametrize("name", ["node bf16", "SRAM load", "hop", "die to die"])
def test_engines_agree_on_a_figure(name: str):
    assert measured("reference", name) == measured("native", name)


def test_an_unknown_figure_is_refused():
    with pytest.raises(InputError, match="unknown figure `hops`"):
        measure_all("native", ["hops"])
