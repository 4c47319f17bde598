"""RC429: an alert that no unit test tries."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each alert's template without `tests`."""
    for template in view.templates:
        if template.kind == "alert" and not template.tests:
            yield Diagnostic(
                "RC429",
                f"the alert `{template.rule}` has no unit test",
                template.pointer("alert").key(),
                label="nobody has seen it fire",
                help="write `tests:` with the series that make it fire, and those that do not",
                severity=Severity.INFO,
            )
