"""RC428: a record that no rule asks for."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each record in use that none of the repo's queries names; a dashboard may."""
    metrics = view.metrics
    for template in view.templates:
        if template.kind != "record" or template.name not in view.used or template.rule in metrics:
            continue
        yield Diagnostic(
            "RC428",
            f"no rule asks for the record `{template.rule}`",
            template.pointer("record"),
            label="for dashboards only?",
            help="delete the template, or disable this check in it with the reason",
            severity=Severity.INFO,
        )
