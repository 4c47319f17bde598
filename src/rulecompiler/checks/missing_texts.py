"""RC418: an alert without an annotation or label that every alert is to have."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each that is missing of `lint.annotations` and `lint.labels`."""
    if not rule.is_alert:
        return
    for kind, wanted, there in (
        ("annotation", rule.settings.annotations, rule.annotations),
        ("label", rule.settings.labels, rule.labels),
    ):
        for name in wanted:
            if name not in there:
                yield Finding(
                    "RC418",
                    f"the alert has no {kind} `{name}`",
                    At(("alert",), on_key=True),
                    Severity.INFO,
                    label=f"no `{name}`",
                    help=f"write it, or take it out of `lint.{kind}s`",
                )
