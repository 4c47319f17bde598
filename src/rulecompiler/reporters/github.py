"""Diagnostics as GitHub Actions workflow commands, which become annotations on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulecompiler.diagnostics import Severity, Span
from rulecompiler.reporters.folding import Folded
from rulecompiler.terminal import escaped, is_unsafe

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(folded: Iterable[Folded], titles: Mapping[str, str], prefix: str) -> str:
    """One command a line, one line an entry."""
    return "".join(f"{_command(entry, titles, prefix)}\n" for entry in folded)


def _command(entry: Folded, titles: Mapping[str, str], prefix: str) -> str:
    diagnostic = entry.diagnostic
    properties: dict[str, str | int] = {}
    place = diagnostic.place
    if place is not None:
        properties["file"] = prefix + place.path
    if isinstance(place, Span):
        properties["line"] = place.line
        if place.line == place.end_line:  # the runner drops columns that span lines, with a complaint
            properties["col"] = place.column
        properties["endLine"] = place.end_line
        if place.line == place.end_line:
            properties["endColumn"] = place.end_column
    properties["title"] = " ".join(filter(None, (diagnostic.code, titles.get(diagnostic.code))))
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[diagnostic.severity]} {written}::{_data(_message(entry))}"


def _message(entry: Folded) -> str:
    diagnostic = entry.diagnostic
    lines = [" ".join(filter(None, (diagnostic.message, entry.suffix)))]
    if diagnostic.label:
        lines.append(diagnostic.label)
    for item in diagnostic.related:
        at = f"{item.place.path}:{item.place.line}" if isinstance(item.place, Span) else item.place.path
        lines.append(f"{at}: {item.text}")
    if diagnostic.help:
        lines.append(f"help: {diagnostic.help}")
    return "\n".join(lines)


def _data(text: str) -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(escaped(char) if is_unsafe(char) else char for char in text)


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
