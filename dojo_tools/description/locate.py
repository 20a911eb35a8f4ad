"""Finds the folder `isa/`: inside the wheel, or beside the package in a checkout."""

from importlib.resources import files
from pathlib import Path


def isa_folder() -> Path:
    """Return the folder of the D1's description; an editable install falls back to the checkout."""
    packaged = Path(str(files("dojo_tools").joinpath("isa")))
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "isa"
