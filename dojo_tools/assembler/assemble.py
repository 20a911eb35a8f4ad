"""From the text of sources to an object."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dojo_tools.assembler.collect import Collector
from dojo_tools.assembler.evaluate import Evaluator
from dojo_tools.assembler.expand import Expander
from dojo_tools.assembler.layout import lay_out
from dojo_tools.assembler.macros import root_of
from dojo_tools.assembler.output import Output
from dojo_tools.assembler.unit import UnitBuilder
from dojo_tools.description import Description
from dojo_tools.diagnostics import Diagnostic, Report, Source
from dojo_tools.objects import ObjectFile


@dataclass(frozen=True, slots=True)
class Assembly:
    """An object, what is suspicious about its source, and every source and file that was read."""

    object: ObjectFile
    warnings: tuple[Diagnostic, ...]
    sources: tuple[Source, ...] = ()
    files: tuple[Path, ...] = ()


def assemble(
    source: Source | Sequence[Source],
    description: Description,
    include_folders: Sequence[Path] = (),
    defines: Mapping[str, int] | None = None,
) -> Assembly:
    """Return the object that a source makes; several are read as one text, one after another.

    Included files are searched beside the including one, then in `include_folders`. `defines` are
    symbols assigned before the first line. Raises `InputError` with every mistake and warning.
    """
    sources = [source] if isinstance(source, Source) else source
    report = Report()
    unit = UnitBuilder(description, report)
    expander = Expander(description)
    collector = Collector(unit, expander, include_folders)
    collector.define(defines or {})
    for each in sources:
        collector.read(each)
    if collector.is_ended:
        _sort(report, collector.sources)
        report.stop_if_errors()
    evaluator = Evaluator(unit.symbols, description.register_names)
    lay_out(unit, expander, evaluator)
    object_file = Output(unit, expander, evaluator).write(sources[0].name)
    _sort(report, collector.sources)
    report.stop_if_errors()
    return Assembly(
        object_file, tuple(report.diagnostics), tuple(collector.sources), tuple(collector.files)
    )


def is_name(text: str) -> bool:
    """Return whether a symbol may be called so, if no register is."""
    return text.isascii() and text.replace(".", "_").replace("$", "_").isidentifier()


def _sort(report: Report, sources: Sequence[Source]) -> None:
    """Put the diagnostics of all phases in the order of the sources."""
    order = {source: index for index, source in enumerate(sources)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        if diagnostic.span is None:
            return len(order), 0
        root = root_of(diagnostic.span)
        return order.get(root.source, -1), root.start

    report.diagnostics.sort(key=place)
