"""The section `lint:` of the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rulecompiler.checks.catalogue import CODES
from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity
from rulecompiler.model import Document
from rulecompiler.promql.durations import milliseconds
from rulecompiler.words import did_you_mean

_DEFAULT = LintSettings()


def read_settings(document: Document | None) -> tuple[LintSettings, tuple[Diagnostic, ...]]:
    """What settings that are valid by the schema say, and what is wrong with it (RC452)."""
    data: Any = document.data if document is not None else None
    section = (data or {}).get("lint") or {}
    checks = section.get("checks") or {}
    path = document.path if document is not None else ""
    scrape = milliseconds(section["scrape_interval"]) if "scrape_interval" in section else None
    chosen = LintSettings(
        _DEFAULT.scrape_interval if scrape is None else scrape / 1000,
        tuple(section.get("severities") or _DEFAULT.severities),
        tuple(section.get("annotations", _DEFAULT.annotations)),
        tuple(section.get("labels", _DEFAULT.labels)),
        {
            code: None if entry["severity"] == "off" else Severity(entry["severity"])
            for code, entry in checks.items()
        },
        str(section.get("owner", _DEFAULT.owner) or ""),
    )
    return chosen, tuple(_faults(checks, path))


def _faults(checks: dict[str, Any], path: str) -> Iterator[Diagnostic]:
    for code, entry in checks.items():
        place = Pointer(path, ("lint", "checks", code))
        if code not in CODES:
            yield Diagnostic(
                "RC452",
                f"`{code}` is no check of `lint`",
                place.key(),
                help=did_you_mean(code, CODES, "docs/diagnostics.md lists them"),
            )
        elif entry["severity"] == "off" and not entry.get("reason"):
            yield Diagnostic(
                "RC452",
                f"the check `{code}` is off without a reason",
                place,
                help="add `reason:` for whoever wonders later",
            )
