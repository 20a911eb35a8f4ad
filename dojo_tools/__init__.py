"""The D1 toolchain: assembler, linker, inspector and emulator for the Tesla Dojo D1.

Everything the commands do can be done from here: `assemble`, `link`, `load_program`, `Machine`,
`load_run_file`, `execute_run`. A name is imported when it is first used, so that start-up stays
short.
"""

from typing import TYPE_CHECKING

from dojo_tools.late_names import late_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from dojo_tools.assembler import Assembly, assemble
    from dojo_tools.description import Description, load_description, load_machine
    from dojo_tools.diagnostics import InputError
    from dojo_tools.linker import link
    from dojo_tools.machine import Machine, RunResult, load_program
    from dojo_tools.objects import Image, ObjectFile, read_elf, save_image, save_object
    from dojo_tools.runs import execute_run, load_run_file

_PLACES = {
    "Assembly": "assembler",
    "assemble": "assembler",
    "Description": "description",
    "load_description": "description",
    "load_machine": "description",
    "InputError": "diagnostics",
    "link": "linker",
    "Machine": "machine",
    "RunResult": "machine",
    "load_program": "machine",
    "Image": "objects",
    "ObjectFile": "objects",
    "read_elf": "objects",
    "save_image": "objects",
    "save_object": "objects",
    "execute_run": "runs",
    "load_run_file": "runs",
}

__all__ = [
    "Assembly",
    "Description",
    "Image",
    "InputError",
    "Machine",
    "ObjectFile",
    "RunResult",
    "assemble",
    "execute_run",
    "link",
    "load_description",
    "load_machine",
    "load_program",
    "load_run_file",
    "read_elf",
    "save_image",
    "save_object",
]

__getattr__ = late_names(__name__, _PLACES)
