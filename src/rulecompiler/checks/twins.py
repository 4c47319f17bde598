"""RC425: two rules of one group that say the same."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.diagnostics import Diagnostic, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each rule with the template, values, severity, `for` and slice of an earlier one."""
    by_template: dict[str, list[Member]] = {}
    for member in view.members:
        by_template.setdefault(member.rule.template.name, []).append(member)
    for members in by_template.values():
        if len(members) < 2:
            continue
        first: dict[object, Member] = {}
        for member in members:
            earlier = first.setdefault(_says(member), member)
            if earlier is not member:
                yield Diagnostic(
                    "RC425",
                    f"`{member.rule.name}` says what `{earlier.rule.name}` says",
                    member.rule.entry.key(),
                    label="the second",
                    help="disable one of them, or give it other values",
                    severity=Severity.WARNING,
                    related=(Related(earlier.rule.entry.key(), "the first"),),
                )


def _says(member: Member) -> object:
    rule = member.rule
    return (
        rule.title if rule.template.kind == "record" else "",
        tuple((name, repr(value.value)) for name, value in sorted(rule.params.items())),
        tuple((name, str(value.value)) for name, value in sorted(rule.labels.items())),
        member.for_,
        rule.where,
    )
