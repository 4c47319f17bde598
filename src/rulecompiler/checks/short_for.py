"""RC422: a `for` that is shorter than the group's interval."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each alert that the interval, where one is written, makes wait longer than it says."""
    interval = view.resolved.interval
    if view.interval is None or interval is None:
        return
    for rule, _, for_ in view.members:
        if rule.for_ is not None and 0 < for_ < view.interval:
            yield Diagnostic(
                "RC422",
                f"`{rule.name}` waits for less than the interval of {interval.value} between two evaluations",
                rule.for_.origin,
                label=f"as good as `for: {interval.value}`",
                help="write the interval or a multiple of it, or shorten the interval",
                severity=Severity.INFO,
                related=(Related(interval.origin, "the group's interval"),),
            )
