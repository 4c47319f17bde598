"""A compiled rule with all that a comparison asks of it: what it says, and where each word comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.coverage import Assignment
from rulecompiler.decode import text_of
from rulecompiler.diagnostics import Diagnostic, Place, has_errors
from rulecompiler.generated_file import file_name
from rulecompiler.interpolation import GroupFacts
from rulecompiler.model import Rule, RuleGroup
from rulecompiler.resolve import ResolvedGroup
from rulecompiler.scopes import Scope


class Item(NamedTuple):
    """A rule of one side. Without `assignment` it was read from a rule file or a server."""

    group_id: str
    file: str
    group: RuleGroup  # without its rules
    rule: Rule
    key: str
    template: str  # its path, empty where it is not known
    params: Mapping[str, str]
    written: Mapping[tuple[str, str], str]  # texts before values are put in, by field and key
    origins: Mapping[tuple[str, str], Place]  # by field and key
    assignment: Assignment | None = None
    facts: GroupFacts | None = None

    @property
    def scope(self) -> Scope:
        """The targets that the rule is for, before exclusions; empty where they are not known."""
        return self.assignment.scope if self.assignment is not None else ()

    @property
    def exclusions(self) -> Scope:
        """The matchers that leave targets to other rules."""
        return self.assignment.exclusions if self.assignment is not None else ()


class Emission(NamedTuple):
    """What a group emits; None where it does not compile."""

    items: tuple[Item, ...] | None
    diagnostics: tuple[Diagnostic, ...] = ()


def emission(compiler: Compiler, group_id: str) -> Emission:
    """All rules that a group compiles to."""
    result = compiler.compile_group(group_id)
    if has_errors(result.diagnostics):
        return Emission(None, result.diagnostics)
    if result.rules is None:
        return Emission((), result.diagnostics)
    resolved = compiler.resolver.resolve(group_id)
    assignments, _ = compiler.coverage.assignments(group_id)
    # An entry asks for one rule; the records that it requires have other templates.
    by_place = {(a.rule.template.path, a.rule.entry): a for a in assignments}
    facts = GroupFacts(
        group_id,
        resolved.group.name,
        {k: str(s.value) for k, s in resolved.labels.items() if s.value is not None},
    )
    found: list[Item] = []
    for group in result.rules.groups:
        bare = RuleGroup(group.name, group.interval, group.limit, group.query_offset, ())
        for rule in group.rules:
            assignment = by_place[rule.template, rule.entry]
            found.append(_item(resolved, bare, rule, assignment, facts))
    return Emission(tuple(found), result.diagnostics)


def _item(
    resolved: ResolvedGroup, group: RuleGroup, rule: Rule, assignment: Assignment, facts: GroupFacts
) -> Item:
    known = assignment.rule
    template = known.template
    origins: dict[tuple[str, str], Place] = {("expr", ""): template.pointer("expr")}
    written = {("expr", ""): template.expr}
    for field, sourced in (
        ("for", known.for_),
        ("keep_firing_for", known.keep_firing_for),
        ("interval", resolved.interval),
        ("limit", resolved.limit),
        ("query_offset", resolved.query_offset),
    ):
        if sourced is not None:
            origins[field, ""] = sourced.origin
    for field, values in (
        ("param", known.params),
        ("label", known.labels),
        ("annotation", known.annotations),
    ):
        for name, each in values.items():
            origins[field, name] = each.origin
            if field != "param":
                written[field, name] = text_of(each.value)
    home = resolved.group
    named = home.pointer("group" if home.name == home.id else "name")
    origins["label", "group"] = origins["group", ""] = origins["name", ""] = named
    origins["category", ""] = template.pointer("category")
    origins["file", ""] = home.pointer("group")
    origins["scope", ""] = home.pointer("scope")
    for matcher in assignment.scope:
        origins.setdefault(("label", matcher.label), home.pointer("scope", matcher.label))
    return Item(
        home.id,
        file_name(home.id),
        group,
        rule,
        known.name,
        template.path,
        {
            name: text_of(s.value) if _is_scalar(s.value) else repr(s.value)
            for name, s in known.params.items()
        },
        written,
        origins,
        assignment,
        facts,
    )


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | float | int | bool)
