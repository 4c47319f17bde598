"""RC419: a severity that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.words import did_you_mean, one_of


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for a `severity` that is not among `lint.severities`."""
    severity = rule.labels.get("severity", "")
    known = rule.settings.severities
    if rule.is_alert and severity and severity not in known and "{{" not in severity:
        yield Finding(
            "RC419",
            f"the severity `{severity}` is not one of {one_of(known)}",
            At(("labels", "severity")),
            Severity.WARNING,
            label="is anybody called for this?",
            help=did_you_mean(severity, known, "use one of them, or add it to `lint.severities`"),
        )
