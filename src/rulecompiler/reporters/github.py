"""Diagnostics as GitHub Actions workflow commands, which become annotations on a pull request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from rulecompiler.diagnostics import Severity, Span
from rulecompiler.reporters.folding import Folded
from rulecompiler.terminal import escaped, is_unsafe

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


# The runner takes ten annotations of each kind from a step and drops the rest without a word. One error is
# its own: that the step failed. Source: ExecutionContext.AddIssue of github.com/actions/runner.
_ROOM = {Severity.ERROR: 9, Severity.WARNING: 10, Severity.INFO: 10}


def render(folded: Iterable[Folded], titles: Mapping[str, str], prefix: str) -> str:
    """One command a line, one line an entry.

    Where a kind has more than GitHub shows, the last one shown says so; the log has them all.
    """
    entries = list(folded)
    written = []
    seen: Counter[Severity] = Counter()
    total = Counter(entry.diagnostic.severity for entry in entries)
    for entry in entries:
        severity = entry.diagnostic.severity
        if total[severity] > _ROOM[severity] and seen[severity] == _ROOM[severity] - 1:
            more = total[severity] - seen[severity]
            written.append(
                f"::{_COMMANDS[severity]} title=and {more:,} more::"
                f"GitHub shows no more of them at their lines: they are in the log of this step"
            )
        seen[severity] += 1
        surplus = total[severity] > _ROOM[severity] and seen[severity] >= _ROOM[severity]
        written.append(_command(entry, titles, prefix, in_log=surplus))
    return "".join(f"{line}\n" for line in written)


def _command(entry: Folded, titles: Mapping[str, str], prefix: str, *, in_log: bool = False) -> str:
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
    message = f"{_where(entry, prefix) if in_log else ''}{_message(entry)}"
    return f"::{_COMMANDS[diagnostic.severity]} {written}::{_data(message)}"


def _where(entry: Folded, prefix: str) -> str:
    """The place and code in words, because the log shows the message alone."""
    place = entry.diagnostic.place
    if place is None:
        return f"{entry.diagnostic.code}: "
    line = f":{place.line}" if isinstance(place, Span) else ""
    return f"{prefix}{place.path}{line}: {entry.diagnostic.code}: "


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
