"""Imports go down only: the layers of the tools, computed from their sources and checked.

The graph is read with `ast`, so an import counts wherever it stands: at the top, inside a function,
or under `TYPE_CHECKING`.
"""

import ast
import graphlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "dojo_tools"

# The name alone stands for the package and all below it; the longest name that fits a module wins.
# Units of one layer are siblings and never import each other.
LAYERS = {
    "bits": 0,
    "diagnostic_formats": 0,
    "diagnostics": 0,
    "excerpt": 0,
    "float_codes": 0,
    "floats": 0,
    "formats": 0,
    "late_names": 0,
    "ranges": 0,
    "source_text": 0,
    "toml_places": 0,
    "toml_source": 0,
    "description": 1,
    "objects": 1,
    "trace": 1,
    "assembler": 2,
    "disassembler": 2,
    "linker": 2,
    "engines.native": 2,
    "engines.reference": 2,
    "machine": 3,
    "manual": 3,
    "kernels": 4,
    "runs": 4,
    "nn": 5,
    "viewer": 6,
    "cli": 7,
}

# Units between two layers, each with its reason.
SHARED = {
    "engines": 1.5,  # the layout of the machine state, which both engines follow
    "": 6.5,  # the public calls of `dojo_tools` itself, which the commands use
}

# Edges between siblings that are right all the same, each with its reason.
SIBLINGS_ALLOWED = {
    ("diagnostics", "bits"): "every shift and mask goes through bits.py",
    ("diagnostic_formats", "diagnostics"): "it writes them",
    ("diagnostics", "excerpt"): "a message shows a piece of its source",
    ("diagnostics", "source_text"): "a source is made of text",
    ("toml_source", "diagnostics"): "it says where a key stands",
    ("toml_source", "toml_places"): "it asks there where",
    ("float_codes", "bits"): "every shift and mask goes through bits.py",
    ("floats", "float_codes"): "the codes of NaNs are there",
    ("formats", "bits"): "every shift and mask goes through bits.py",
    ("formats", "diagnostics"): "a caller's mistake is a diagnostic",
    ("formats", "excerpt"): "a caller's word is shown in one",
    ("formats", "float_codes"): "its NaN is that of float32",
    ("formats", "late_names"): "its numpy is loaded late",
    ("formats", "floats"): "its values are float32, whose codes are there",
}

# Units whose functions may import anything below them, each with its reason.
FUNCTIONS_MAY_IMPORT = {
    "": "`import dojo_tools` loads a public call on first use",
    "cli": "a command imports its work when it runs, so that --help starts fast",
}

# Modules that any function may import, each with what it would cost at the top of the file.
COSTLY = {
    "llvmlite": "80 ms, and a run with the reference engine needs none of it",
    f"{PACKAGE}.engines.native": "loads LLVM",
    "textual": "790 ms, and only the viewer needs it",
    f"{PACKAGE}.viewer": "loads Textual",
    f"{PACKAGE}.description.loader": "loads Lark, 80 ms; a cached description needs none of it",
    f"{PACKAGE}.description.procedure_reader": "loads Lark, as the one above",
    f"{PACKAGE}.engines.reference": "loads numpy, 80 ms, and a native run needs none of it",
    f"{PACKAGE}.formats": "loads numpy where arrays are converted",
    f"{PACKAGE}.machine.tensors": "loads numpy, and a run without tensors needs none of it",
    f"{PACKAGE}.runs.plan": "loads numpy, as the one above",
    f"{PACKAGE}.runs.host": "loads numpy, as the one above",
    f"{PACKAGE}.runs.execute_mesh": "loads the mesh, and a run on one node needs none of it",
    f"{PACKAGE}.runs.mesh_report": "loads the mesh, as the one above",
    f"{PACKAGE}.assembler": "100 ms with Lark, and an image needs none of it",
    f"{PACKAGE}.linker": "30 ms, and an image needs none of it",
    f"{PACKAGE}.disassembler": "40 ms, and only traces and differences need it",
}


@dataclass(frozen=True, slots=True)
class Import:
    """One import: the importing module, what it names, and where it stands."""

    importer: str
    target: str
    line: int
    in_function: bool

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}: imports {self.target}"


def modules_under(folder: Path) -> dict[str, Path]:
    """Return the source of each module of a package, by its dotted name."""
    modules: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = path
    return modules


def imports_of(importer: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Import]:
    """Yield the imports of one module; a submodule that is imported by name is its own target."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    in_functions = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base] if base else above)
            submodules = [f"{base}.{alias.name}" for alias in node.names]
            targets = [name if name in modules else base for name in submodules]
        else:
            continue
        for target in dict.fromkeys(targets):
            yield Import(importer, target, node.lineno, id(node) in in_functions)


def all_imports(folder: Path) -> list[Import]:
    """Return every import of every module of a package."""
    modules = modules_under(folder)
    return [found for name, path in modules.items() for found in imports_of(name, path, modules)]


def is_inside(module: str, package: str) -> bool:
    """Return whether a module is a package or lies in it."""
    return module == package or module.startswith(f"{package}.")


def unit_of(module: str) -> str | None:
    """Return the unit of the tables that a module of the package belongs to."""
    inner = module.removeprefix(PACKAGE).removeprefix(".")
    if not inner:
        return ""
    fitting = [unit for unit in {**LAYERS, **SHARED} if unit and is_inside(inner, unit)]
    return max(fitting, key=len, default=None)


def layer_faults(imports: list[Import]) -> list[str]:
    """Return a sentence for each import that goes up, or sideways between siblings."""
    layers = {**LAYERS, **SHARED}
    faults: list[str] = []
    for found in imports:
        importer, target = unit_of(found.importer), unit_of(found.target)
        if not is_inside(found.target, PACKAGE) or importer in (target, ""):
            continue
        if importer is None or target is None:
            faults.append(f"{found}: one of the two is in no layer; add it to the table")
        elif layers[target] > layers[importer]:
            faults.append(f"{found}: up from layer {layers[importer]} to {layers[target]}")
        elif layers[target] == layers[importer] and (importer, target) not in SIBLINGS_ALLOWED:
            faults.append(f"{found}: sideways in layer {layers[importer]}")
    return faults


def cycle_of(imports: list[Import]) -> list[str]:
    """Return the modules of one import cycle in order, empty if there is none."""
    sorter = graphlib.TopologicalSorter[str]()
    for found in imports:
        if is_inside(found.target, PACKAGE) and found.importer != PACKAGE:
            sorter.add(found.importer, found.target)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def function_import_faults(imports: list[Import]) -> list[str]:
    """Return a sentence for each import inside a function that has no reason to be there."""
    return [
        f"{found}: inside a function; move it to the top of the file"
        for found in imports
        if found.in_function
        and not any(is_inside(found.target, costly) for costly in COSTLY)
        and unit_of(found.importer) not in FUNCTIONS_MAY_IMPORT
    ]


@pytest.fixture(scope="module")
def tool_imports() -> list[Import]:
    """Every import of the tools."""
    return all_imports(ROOT / PACKAGE)


def test_imports_go_down_only(tool_imports: list[Import]) -> None:
    assert layer_faults(tool_imports) == []


def test_every_module_is_in_a_layer() -> None:
    assert [name for name in modules_under(ROOT / PACKAGE) if unit_of(name) is None] == []


def test_there_are_no_import_cycles(tool_imports: list[Import]) -> None:
    assert cycle_of(tool_imports) == []


def test_imports_inside_functions_have_a_reason(tool_imports: list[Import]) -> None:
    assert function_import_faults(tool_imports) == []


def test_the_lowest_layer_needs_only_the_standard_library_and_numpy(
    tool_imports: list[Import],
) -> None:
    allowed = {*sys.stdlib_module_names, "numpy", PACKAGE}
    outside = [
        str(found)
        for found in tool_imports
        if LAYERS.get(unit_of(found.importer) or "") == 0
        and found.target.partition(".")[0] not in allowed
    ]
    assert outside == []


@pytest.mark.parametrize(
    ("path", "text", "fault"),
    [
        ("objects/elf.py", "from dojo_tools.linker import link", "up from layer 1 to 2"),
        ("linker/link.py", "import dojo_tools.assembler.parser", "sideways in layer 2"),
        ("linker/link.py", "from dojo_tools import assembler", "sideways in layer 2"),
        ("linker/link.py", "from ..assembler import parser", "sideways in layer 2"),
        ("engines/native/emit.py", "from ..reference import evaluate", "sideways in layer 2"),
        ("engines/state.py", "from .native import emit", "up from layer 1.5 to 2"),
        ("engines/native/emit.py", "from .. import state", None),
        ("runs/run.py", "def f():\n    import dojo_tools.cli.run", "up from layer 4 to 7"),
        ("runs/run.py", "import dojo_tools", "up from layer 4 to 6.5"),
        ("gadgets/gadget.py", "from dojo_tools import bits", "in no layer"),
        ("cli/run.py", "from dojo_tools import machine", None),
        ("__init__.py", "from dojo_tools import cli", None),
    ],
)
def test_an_edge_is_judged(tmp_path: Path, path: str, text: str, fault: str | None) -> None:
    imports = all_imports(write_package(tmp_path, {path: text}))
    faults = layer_faults(imports)
    assert (fault is None and faults == []) or (fault is not None and fault in faults[0])


def test_a_cycle_is_found(tmp_path: Path) -> None:
    files = {
        "linker/link.py": "from dojo_tools.linker.layout import place",
        "linker/layout.py": "from . import symbols",
        "linker/symbols.py": "from dojo_tools.linker import link",
    }
    cycle = cycle_of(all_imports(write_package(tmp_path, files)))
    assert {name.rpartition(".")[2] for name in cycle} == {"link", "layout", "symbols"}


def test_an_import_inside_a_function_is_found(tmp_path: Path) -> None:
    files = {
        "linker/link.py": "def f():\n    import json\n    import llvmlite.binding",
        "cli/run.py": "def main():\n    from dojo_tools import machine",
    }
    faults = function_import_faults(all_imports(write_package(tmp_path, files)))
    assert len(faults) == 1
    assert "dojo_tools.linker.link, line 2: imports json" in faults[0]


def write_package(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a package with the tools' name: an empty package for each unit, and these files."""
    units = {f"{unit.replace('.', '/')}/__init__.py": "" for unit in LAYERS}
    for name, text in {**units, **files}.items():
        path = folder / PACKAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / PACKAGE
