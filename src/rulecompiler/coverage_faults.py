"""Where "covered once" cannot be kept, said at the scope or slice that is in its way."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.diagnostics import Diagnostic, Related
from rulecompiler.model import Group
from rulecompiler.resolve import ResolvedRule
from rulecompiler.scopes import Relation, Scope, beyond, relation, show_scope


def group_label_faults(group: Group) -> Iterator[Diagnostic]:
    """A scope by the label `group`, which every rule carries with the group's name as its value."""
    for matcher in group.scope:
        if matcher.label == "group" and matcher.op == "=" and matcher.value != group.name:
            yield Diagnostic(
                "RC340",
                f"the label `group` is set by the compiler to `{group.name}` here, not to `{matcher.value}`",
                group.pointer("scope", "group"),
                label="cannot differ",
                help="name the group as its targets' label does, or tell them apart by another label",
            )


def slice_fault(group: Group, rule: ResolvedRule) -> Diagnostic | None:
    """A slice that lies outside the group, or is all of it (RC330, RC331)."""
    place = rule.entry.at("where")
    how = relation(group.scope, rule.where)
    if how is Relation.DISJOINT:
        return Diagnostic(
            "RC330",
            f"the slice of `{rule.name}` lies outside the scope of the group `{group.id}`",
            place,
            label="no target can be here",
            help="change `where:`, or move the rule to the group that it is meant for",
            related=(Related(group.pointer("scope"), f"the scope is {show_scope(group.scope)}"),),
        )
    if not beyond(group.scope, rule.where):
        return Diagnostic(
            "RC331",
            f"the slice of `{rule.name}` is the whole group `{group.id}`",
            place,
            label="narrows nothing",
            help="take `where:` out, or name a label that only some targets have",
        )
    return None


def inexpressible(wide: Group, inner: Group, rule: ResolvedRule, apart: Scope) -> Diagnostic:
    """Targets of an inner group that no single label sets apart from the wider one's (RC332)."""
    return Diagnostic(
        "RC332",
        f"`{rule.name}` of `{wide.id}` cannot leave out the targets of `{inner.id}`: "
        f"that takes one label, and their scopes differ in {show_scope(apart)}",
        inner.pointer("scope"),
        label="more than one label beyond the wider group's",
        help="give the inner group's targets one label of their own, or make the wider group abstract",
        related=(Related(wide.pointer("scope"), f"the wider scope is {show_scope(wide.scope)}"),),
    )


def overlap(first: Group, second: Group, shared: list[str]) -> Diagnostic:
    """Two groups of one tree that may share targets, with rules of both (RC335)."""
    rules = ", ".join(f"`{name}`" for name in shared[:3])
    more = f" and {len(shared) - 3} more" if len(shared) > 3 else ""
    return Diagnostic(
        "RC335",
        f"the groups `{first.id}` and `{second.id}` may share targets, which {rules}{more} would cover twice",
        first.pointer("scope"),
        label=f"this scope is {show_scope(first.scope)}",
        help="make the scopes exclude each other, or let one hold the other",
        related=(Related(second.pointer("scope"), f"this one is {show_scope(second.scope)}"),),
    )
