"""`dojo-objdump`: the code of an object or image as assembly, its tables, and entries explained."""

from pathlib import Path
from typing import Annotated

import typer
