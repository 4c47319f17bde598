"""RC425: two rules of one group and one template that say the same."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.diagnostics import Diagnostic, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each rule with the template, values, severity, `for` and slice of an earlier one."""
    for family in view.alike:
        if len({_roughly(member) for member in family}) == len(family):
            continue
        first: dict[object, Member] = {}
        for member in family:
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


def _roughly(member: Member) -> object:
    """Part of what a rule says, which is enough to tell most of them apart."""
    severity = member.rule.labels.get("severity")
    return member.for_, member.rule.where, str(severity.value) if severity else ""


def _says(member: Member) -> object:
    rule = member.rule
    return (
        rule.template.name,
        rule.title if rule.template.kind == "record" else "",
        tuple((name, repr(value.value)) for name, value in sorted(rule.params.items())),
        tuple((name, str(value.value)) for name, value in sorted(rule.labels.items())),
        member.for_,
        rule.where,
    )
