"""A step of building the package: reads `isa/` once, so that no user's first start has to.

What it leaves in `isa/ready` is found by the content of `isa/`; once that changes, it is ignored.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReadyDescription(BuildHookInterface):
    """Makes `isa/ready`, for a wheel and for an editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)
        from dojo_tools.description import load_description
        from dojo_tools.description.parse_cache import ready_folder
        from dojo_tools.description.procedures import load_procedures
        from dojo_tools.diagnostics import InputError

        shutil.rmtree(ready_folder(), ignore_errors=True)
        with tempfile.TemporaryDirectory() as folder:
            os.environ["DOJO_CACHE_DIR"] = folder
            try:
                load_description()
                load_procedures()
            except InputError:
                if version == "editable":  # whose description may be wrong for a while
                    return
                raise
            ready_folder().mkdir()
            for path in Path(folder).iterdir():
                shutil.copyfile(path, ready_folder() / path.name)
