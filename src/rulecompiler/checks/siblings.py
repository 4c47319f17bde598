"""RC423: a worse severity that is no harder to reach than a milder one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.diagnostics import Diagnostic, Related, Severity

# The parameter that the whole query is compared with at its end, so that the direction is plain.
_THRESHOLD = re.compile(r"(>=?|<=?)\s*\$\{\s*([A-Za-z_]\w*)\s*\}\s*\Z")


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each pair of one template, such as a critical at 70 beside a warning at 80."""
    by_template: dict[str, list[Member]] = {}
    for member in view.members:
        if member.subject.is_alert:
            by_template.setdefault(member.rule.template.name, []).append(member)
    for members in by_template.values():
        for one, other in combinations(members, 2) if len(members) > 1 else ():
            ranked = _ranked(one, other, view.settings.severities)
            if ranked is not None:
                yield from _judge(*ranked)


def _ranked(one: Member, other: Member, severities: tuple[str, ...]) -> tuple[Member, Member] | None:
    """The worse and the milder one, if both look at the same targets and their severities are known."""
    if one.rule.where != other.rule.where:
        return None
    first, second = (_severity(member) for member in (one, other))
    if first == second or first not in severities or second not in severities:
        return None
    return (one, other) if severities.index(first) < severities.index(second) else (other, one)


def _judge(worse: Member, milder: Member) -> Iterator[Diagnostic]:
    found = _THRESHOLD.search(worse.rule.template.expr)
    if found is None:
        return
    op, name = found.groups()
    high, low = (member.rule.params.get(name) for member in (worse, milder))
    if high is None or low is None or not _comparable(worse, milder, name):
        return
    if not isinstance(high.value, int | float) or not isinstance(low.value, int | float):
        return
    same = high.value == low.value
    looser = high.value < low.value if op.startswith(">") else high.value > low.value
    if not (same or looser) or worse.for_ > milder.for_:
        return
    if looser:
        says = f"at a looser `{name}` than `{milder.rule.name}`, which is {_severity(milder)}"
    else:
        says = f"at the same `{name}` at which `{milder.rule.name}` is {_severity(milder)}"
    yield Diagnostic(
        "RC423",
        f"`{worse.rule.name}` is {_severity(worse)} {says}",
        high.origin,
        label=f"{op} {high.value}",
        help="make it harder to reach, or disable one of the two",
        severity=Severity.WARNING,
        related=(Related(low.origin, f"{_severity(milder)}: {op} {low.value}"),),
    )


def _comparable(one: Member, other: Member, threshold: str) -> bool:
    """Whether nothing but the threshold divides the two queries."""
    left, right = one.rule.params, other.rule.params
    return left.keys() == right.keys() and all(
        left[name].value == right[name].value for name in left if name != threshold
    )


def _severity(member: Member) -> str:
    sourced = member.rule.labels.get("severity")
    return "" if sourced is None else str(sourced.value)
