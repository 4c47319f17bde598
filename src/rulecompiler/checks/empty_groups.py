"""RC437: a group that no target is in."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each; without a list of targets nobody knows."""
    for group in view.empty:
        yield Diagnostic(
            "RC437",
            f"no target is in the group `{group.id}`",
            group.pointer("group"),
            label="its alerts can never fire",
            help="correct the scope or the targets' labels, or delete the group",
            severity=Severity.WARNING,
        )
