"""Diagnostics for programs to read: JSON, one object a line, and SARIF 2.1.0.

Lines and columns count characters from 1; an end column is that of the character after the span.
`docs/diagnostics.md` describes both for users.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from dojo_tools.diagnostics import Agent, Diagnostic, Event, Note, Severity, Span

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
UNNAMED_RULE = "error"
"""The rule of a diagnostic without a name."""


def to_json_lines(diagnostics: Iterable[Diagnostic]) -> str:
    """Return each diagnostic as a line of JSON; what it does not have is left out."""
    return "".join(f"{json.dumps(to_json(diagnostic))}\n" for diagnostic in diagnostics)


def to_json(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a diagnostic as what JSON can hold."""
    fields: dict[str, Any] = {"severity": diagnostic.severity.value}
    if diagnostic.name is not None:
        fields["name"] = diagnostic.name
    fields["message"] = diagnostic.message
    fields |= _place_fields(diagnostic.span)
    event = diagnostic.event or Event()
    fields |= _agent_fields(event.agents) | _node_fields(event.nodes)
    numbers = {"cycle": event.cycle, "pc": event.pc, "exit_code": event.exit_code}
    fields |= {name: int(number) for name, number in numbers.items() if number is not None}
    if diagnostic.hint is not None:
        fields["hint"] = diagnostic.hint
    if diagnostic.notes:
        fields["notes"] = [
            {"message": note.message, **_place_fields(note.span), **_agent_fields(note.agents)}
            for note in diagnostic.notes
        ]
    return {**fields, **event.details}


def _agent_fields(agents: Sequence[Agent]) -> dict[str, Any]:
    """Return node and thread of the first agent, and all agents where there are several."""
    values = [{"node": [agent.x, agent.y], "thread": agent.thread} for agent in agents]
    return {**(values[0] if values else {}), **({"agents": values} if len(values) > 1 else {})}


def _node_fields(nodes: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return the first node, and all where there are several."""
    values = [list(node) for node in nodes]
    return {**({"node": values[0]} if values else {}), **({"nodes": values} if values[1:] else {})}


def to_sarif(
    diagnostics: Sequence[Diagnostic],
    tool: str,
    version: str,
    exit_code: int,
    rules: Mapping[str, str],
    omitted: str | None = None,
) -> dict[str, Any]:
    """Return a SARIF log of one run; `rules` has a sentence for each name of a diagnostic.

    `omitted` says what was found and is not among the diagnostics.
    """
    names = list(dict.fromkeys(diagnostic.name or UNNAMED_RULE for diagnostic in diagnostics))
    invocation: dict[str, Any] = {"executionSuccessful": exit_code == 0, "exitCode": exit_code}
    if omitted is not None:
        invocation["toolExecutionNotifications"] = [{"level": "note", "message": {"text": omitted}}]
    sentences = {UNNAMED_RULE: "The input can't be used.", **rules}
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": tool,
                        "version": version,
                        "rules": [
                            {"id": name, "shortDescription": {"text": sentences.get(name, name)}}
                            for name in names
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [invocation],
                "results": [_result(diagnostic, names) for diagnostic in diagnostics],
            }
        ],
    }


def _result(diagnostic: Diagnostic, names: list[str]) -> dict[str, Any]:
    name = diagnostic.name or UNNAMED_RULE
    hint = "" if diagnostic.hint is None else f"\nhint: {diagnostic.hint}"
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": names.index(name),
        "level": "error" if diagnostic.severity is Severity.ERROR else "warning",
        "message": {"text": diagnostic.message + hint},
    }
    event = diagnostic.event or Event()
    location = _location(diagnostic.span, event.agents, event.nodes)
    if location:
        result["locations"] = [location]
    if diagnostic.notes:
        result["relatedLocations"] = [
            _related_location(index, note) for index, note in enumerate(diagnostic.notes)
        ]
    numbers = {"cycle": event.cycle, "pc": event.pc, "exitCode": event.exit_code}
    known = {name: int(number) for name, number in numbers.items() if number is not None}
    if known or event.details:
        result["properties"] = {**known, **event.details}
    return result


def _related_location(index: int, note: Note) -> dict[str, Any]:
    return {
        "id": index,
        "message": {"text": note.message},
        **_location(note.span, note.agents),
    }


def _location(
    span: Span | None, agents: Sequence[Agent], nodes: Sequence[tuple[int, int]] = ()
) -> dict[str, Any]:
    """Return a place in a source and the nodes and threads of a machine; empty if there is none."""
    location: dict[str, Any] = {}
    if span is not None:
        location["physicalLocation"] = _physical_location(span)
    places = [place for agent in agents for place in _logical_locations(agent)]
    places += [_node_location(*node) for node in nodes]
    if places:
        location["logicalLocations"] = list(
            {place["fullyQualifiedName"]: place for place in places}.values()
        )
    return location


def _logical_locations(agent: Agent) -> list[dict[str, Any]]:
    """Return a node and its thread or list engine."""
    kind = "list engine" if agent.thread is None else "thread"
    return [
        _node_location(agent.x, agent.y),
        {"name": agent.part, "fullyQualifiedName": str(agent), "kind": kind},
    ]


def _node_location(x: int, y: int) -> dict[str, Any]:
    name = f"node ({x}, {y})"
    return {"name": name, "fullyQualifiedName": name, "kind": "node"}


def _physical_location(span: Span) -> dict[str, Any]:
    line, column, end_line, end_column = _region(span)
    return {
        "artifactLocation": {"uri": _uri(span.source.name)},
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    }


def _uri(name: str) -> str:
    path = Path(name)
    if path.is_absolute():
        return path.as_uri()
    return quote(str(PurePosixPath(*path.parts)), errors="surrogateescape")


def _place_fields(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {}
    line, column, end_line, end_column = _region(span)
    return {
        "file": span.source.name,
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
    }


def _region(span: Span) -> tuple[int, int, int, int]:
    start, end = span.source.position(span.start), span.source.position(span.end)
    # In an expansion the end may come from an earlier place than the start.
    return *start, *max(start, end)
