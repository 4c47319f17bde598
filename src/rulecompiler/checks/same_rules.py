"""RC432: two rules of one group that are made from two templates, and mean the same."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.checks.numbers_in_queries import numbers
from rulecompiler.diagnostics import Diagnostic, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each rule whose query, `for`, labels and slice an earlier one has too."""
    for family in view.alike:
        told: set[str] = set()
        for one, other in combinations(family, 2):
            if other.rule.name in told or one.rule.template is other.rule.template:
                continue
            if _frame(one) == _frame(other) and _same_query(view, one, other):
                told.add(other.rule.name)
                alert = other.subject.is_alert
                yield Diagnostic(
                    "RC432",
                    f"`{other.rule.name}` means what `{one.rule.name}` means, by another template",
                    other.rule.entry.key(),
                    label="fires whenever the first does" if alert else "the same series twice",
                    help="disable one of them, or give it other values",
                    severity=Severity.WARNING if alert else Severity.INFO,
                    related=(Related(one.rule.entry.key(), "the first"),),
                )


def _frame(member: Member) -> object:
    """All that a rule is beside its query, its name and its texts."""
    rule = member.rule
    return (
        rule.template.kind,
        member.for_,
        rule.where,
        rule.instead_of is None,
        sorted((name, str(value.value)) for name, value in rule.labels.items()),
    )


def _same_query(view: GroupView, one: Member, other: Member) -> bool:
    left, right = view.exact(one.rule), view.exact(other.rule)
    return left is not None and right is not None and list(numbers(left)) == list(numbers(right))
