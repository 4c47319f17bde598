"""RC427: a template that no group uses."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each."""
    for template in view.templates:
        if template.name not in view.used:
            yield Diagnostic(
                "RC427",
                f"no group uses the template `{template.name}`",
                template.pointer(template.kind).key(),
                label="compiled for nobody",
                help=f"write `{template.rule}: {{}}` under the `rules` of a group, or delete the file",
                severity=Severity.INFO,
            )
