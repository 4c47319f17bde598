"""RC436: a group whose alerts do not say whose they are."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each group without the label `lint.owner`, if any group has it; below it, none."""
    owner = view.settings.owner
    if not owner or not any(view.owned.values()):
        return
    for name, owned in view.owned.items():
        group = view.groups[name]
        above = group.parent
        if owned or (above is not None and view.owned.get(above) is False):
            continue
        yield Diagnostic(
            "RC436",
            f"alerts of the group `{name}` have no label `{owner}`, which names their owner",
            group.pointer("group"),
            label="whose are these?",
            help=f"write `labels: {{{owner}: …}}`, here or in a group above",
            severity=Severity.INFO,
        )
