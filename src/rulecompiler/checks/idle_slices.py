"""RC433: a rule for a slice of the group that says what the rule for all of it says."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView, Member
from rulecompiler.checks.numbers_in_queries import numbers
from rulecompiler.diagnostics import Diagnostic, Related, Severity
from rulecompiler.scopes import beyond


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each slice with the query, `for` and labels of a rule that holds it."""
    for family in view.alike:
        for part in family:
            if not part.rule.where:
                continue
            whole = next((m for m in family if m is not part and _holds(view, m, part)), None)
            if whole is not None:
                replaces = part.rule.instead_of == whole.rule.name
                yield Diagnostic(
                    "RC433",
                    f"`{part.rule.name}` says of its slice what `{whole.rule.name}` says of it already",
                    part.rule.entry.at("where").key(),
                    label="changes nothing" if replaces else "these targets are told of twice",
                    help="give it other values, or take it out",
                    severity=Severity.INFO if replaces else Severity.WARNING,
                    related=(Related(whole.rule.entry.key(), "holds the slice"),),
                )


def _holds(view: GroupView, whole: Member, part: Member) -> bool:
    one, other = whole.rule, part.rule
    if one.where == other.where or beyond(other.where, one.where):
        return False
    if one.template.kind != other.template.kind or whole.for_ != part.for_ or one.title == other.title:
        return False
    if {k: str(v.value) for k, v in one.labels.items()} != {k: str(v.value) for k, v in other.labels.items()}:
        return False
    left, right = view.exact(one), view.exact(other)
    return left is not None and right is not None and list(numbers(left)) == list(numbers(right))
