"""Diagnostics as SARIF 2.1.0, which GitHub's code scanning and editors read."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from rulecompiler import __version__
from rulecompiler.diagnostics import Diagnostic, Place, Related, Severity, Span
from rulecompiler.reporters.excerpt import source_lines
from rulecompiler.reporters.folding import Folded

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "%SRCROOT%"
_LINK = re.compile(r"\[(?=[^\]]*\]\()")


def render(
    folded: Sequence[Folded], sources: Mapping[str, str], titles: Mapping[str, str], prefix: str
) -> str:
    """One log with one run; ASCII only."""
    codes = sorted({entry.diagnostic.code for entry in folded})
    placed = [entry for entry in folded if entry.diagnostic.place is not None]
    # A result without a location is refused by code scanning; such faults are the run's, not a file's.
    homeless = [entry for entry in folded if entry.diagnostic.place is None]
    fingerprints = _fingerprints(placed, sources)
    run = {
        "tool": {
            "driver": {
                "name": "rulecompiler",
                "version": __version__,
                "rules": [_rule(code, titles) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
        "invocations": [
            {
                "executionSuccessful": not any(
                    entry.diagnostic.severity is Severity.ERROR for entry in homeless
                ),
                "toolExecutionNotifications": [_notification(entry) for entry in homeless],
            }
        ],
        "results": [
            _result(entry, codes.index(entry.diagnostic.code), fingerprint, prefix)
            for entry, fingerprint in zip(placed, fingerprints, strict=True)
        ],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str, titles: Mapping[str, str]) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code}
    if code in titles:
        rule["shortDescription"] = {"text": titles[code]}
    return rule


def _notification(entry: Folded) -> dict[str, Any]:
    return {
        "descriptor": {"id": entry.diagnostic.code},
        "level": _LEVELS[entry.diagnostic.severity],
        "message": {"text": _message(entry)},
    }


def _result(entry: Folded, index: int, fingerprint: str, prefix: str) -> dict[str, Any]:
    diagnostic = entry.diagnostic
    assert diagnostic.place is not None
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": _message(entry)},
        "locations": [{"physicalLocation": _location(diagnostic.place, prefix)}],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint},
    }
    related = [
        _related(number, item, prefix)
        for number, item in enumerate((*diagnostic.related, *entry.also), start=1)
    ]
    if related:
        result["relatedLocations"] = related
    return result


def _related(number: int, item: Related, prefix: str) -> dict[str, Any]:
    return {
        "id": number,
        "physicalLocation": _location(item.place, prefix),
        "message": {"text": _plain(item.text)},
    }


def _location(place: Place, prefix: str) -> dict[str, Any]:
    uri = quote(prefix + place.path, errors="surrogatepass")
    location: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": _ROOT}}
    if isinstance(place, Span):
        location["region"] = {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.end_line,
            "endColumn": place.end_column,
        }
    return location


def _message(entry: Folded) -> str:
    diagnostic = entry.diagnostic
    head = " ".join(filter(None, (diagnostic.message, entry.suffix)))
    if diagnostic.label:
        head += f" ({diagnostic.label})"
    return _plain(f"{head}\nhelp: {diagnostic.help}" if diagnostic.help else head)


def _plain(text: str) -> str:
    # In SARIF's plain text `[words](1)` is a link: a bracket that would open one is escaped.
    return _LINK.sub(r"\\[", text)


def _fingerprints(placed: Sequence[Folded], sources: Mapping[str, str]) -> list[str]:
    """A name for each fault that survives when lines are added above it."""
    seen: Counter[str] = Counter()
    paths = {entry.diagnostic.place.path for entry in placed if entry.diagnostic.place is not None}
    split = {path: source_lines(sources[path]) for path in paths if path in sources}
    found = []
    for entry in placed:
        digest = _digest(entry.diagnostic, split)
        seen[digest] += 1
        found.append(f"{digest}:{seen[digest]}")
    return found


def _digest(diagnostic: Diagnostic, split: Mapping[str, Sequence[str]]) -> str:
    place = diagnostic.place
    assert place is not None
    line = ""
    if isinstance(place, Span):
        lines = split.get(place.path, ())
        line = lines[place.line - 1].strip() if 0 < place.line <= len(lines) else diagnostic.message
    facts = "\0".join((diagnostic.code, place.path, line))
    return hashlib.sha256(facts.encode("utf-8", "surrogatepass")).hexdigest()[:16]
