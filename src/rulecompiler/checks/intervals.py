"""RC439: an interval that is far from the one of the group above."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Related, Severity
from rulecompiler.promql.durations import milliseconds

FAR = 10.0
"""How many times longer or shorter is hardly meant."""


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one where the inherited rules run ten times as often, or as seldom, as where they come from."""
    here = view.resolved.interval
    above = view.parent.interval if view.parent is not None else None
    if here is None or above is None or here.origin.path != view.group.path:
        return
    ours, theirs = (milliseconds(str(each.value)) for each in (here, above))
    if not ours or not theirs or 1 / FAR < ours / theirs < FAR:
        return
    yield Diagnostic(
        "RC439",
        f"the interval of {here.value} is far from the {above.value} of the group above",
        here.origin,
        label="the inherited rules were written for another one",
        help="look at the windows and `for` of the rules, or disable this check here with the reason",
        severity=Severity.INFO,
        related=(Related(above.origin, f"{above.value} above"),),
    )
