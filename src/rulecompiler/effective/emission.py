"""What a group emits: each compiled rule beside the scope that stands in its selectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Group, Rule
from rulecompiler.resolve import ResolvedRule
from rulecompiler.scopes import Scope, accepts


class Emitted(NamedTuple):
    """A rule of the output. `matchers` are those that the compiler put into its selectors."""

    group: Group
    resolved: ResolvedRule
    rule: Rule
    matchers: Scope

    @property
    def id(self) -> str:
        """What `rulecompiler explain` takes, with a blank for the slash."""
        return f"{self.group.id}/{self.resolved.name}"


def emission(compiler: Compiler, group_id: str) -> tuple[tuple[Emitted, ...], tuple[Diagnostic, ...]]:
    """All rules that a group compiles to, and its faults; nothing where one is an error."""
    result = compiler.compile_group(group_id)
    if result.rules is None:
        return (), result.diagnostics
    group = compiler.resolver.forest.groups[group_id]
    assignments, _ = compiler.coverage.assignments(group_id)
    # An entry asks for one rule; the records that it requires have other templates.
    by_place = {(a.rule.template.path, a.rule.entry): a for a in assignments}
    found = []
    for each in result.rules.groups:
        for rule in each.rules:
            assignment = by_place[rule.template, rule.entry]
            matchers = (*assignment.scope, *assignment.exclusions) if rule.narrowed else ()
            found.append(Emitted(group, assignment.rule, rule, matchers))
    return tuple(found), result.diagnostics


def covers(matchers: Scope, labels: Mapping[str, str]) -> bool:
    """Whether series with these labels pass all matchers; a label that is not there is empty."""
    return all(accepts(matcher, labels.get(matcher.label, "")) for matcher in matchers)
