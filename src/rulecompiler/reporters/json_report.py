"""Diagnostics as JSON, documented in docs/json.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rulecompiler.diagnostics import Place, Related, Severity, Span
from rulecompiler.reporters.folding import Folded, counts


def render(folded: Sequence[Folded]) -> str:
    """One JSON object; ASCII only, so that no terminal or encoding can choke on it."""
    return json.dumps(as_data(folded), indent=2) + "\n"


def as_data(folded: Sequence[Folded]) -> dict[str, Any]:
    """The object itself, for commands that put more beside it."""
    found = counts(folded)
    return {
        "diagnostics": [_entry(entry) for entry in folded],
        "summary": {
            "errors": found[Severity.ERROR],
            "warnings": found[Severity.WARNING],
            "infos": found[Severity.INFO],
        },
    }


def _entry(entry: Folded) -> dict[str, Any]:
    diagnostic = entry.diagnostic
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **_place(diagnostic.place),
        "label": diagnostic.label,
        "help": diagnostic.help,
        "related": _related(diagnostic.related),
        "more": entry.more,
        "also": _related(entry.also),
    }


def _related(items: Iterable[Related]) -> list[dict[str, Any]]:
    return [{**_place(item.place), "text": item.text} for item in items]


def _place(place: Place | None) -> dict[str, Any]:
    names = ("path", "line", "column", "end_line", "end_column")
    if isinstance(place, Span):
        return dict(zip(names, place, strict=True))
    return {**dict.fromkeys(names), "path": place.path if place else None}
