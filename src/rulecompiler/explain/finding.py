"""From what somebody calls a group and a rule to the group and the rule that they mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.diagnostics import Diagnostic, Related
from rulecompiler.model import AlertNames, Group, Template
from rulecompiler.render import suffix
from rulecompiler.resolve import ResolvedGroup, ResolvedRule
from rulecompiler.words import did_you_mean, nearest, one_of

_MANY = 8  # names that a help lists in full


class Found(NamedTuple):
    """A rule that a group knows."""

    group: ResolvedGroup
    rule: ResolvedRule


def find_group(compiler: Compiler, name: str) -> Group | Diagnostic:
    """The group with this id, or the only one with this name (RC711)."""
    forest = compiler.resolver.forest
    if name in forest.groups:
        return forest.groups[name]
    named = [group for group in forest if group.name == name]
    if len(named) == 1:
        return named[0]
    if named:
        return Diagnostic(
            "RC711",
            f"there is no group `{name}`, and {len(named)} have that name",
            help=f"write one of {one_of(g.id for g in named)}",
            related=tuple(Related(g.pointer("name"), f"the group `{g.id}`") for g in named),
        )
    ids = list(forest.groups)
    listed = ", ".join(ids[:_MANY]) + (f" and {len(ids) - _MANY} more" if len(ids) > _MANY else "")
    return Diagnostic(
        "RC711",
        f"there is no group `{name}`",
        help=did_you_mean(name, [*ids, *(g.name for g in forest)], f"there are {listed or 'none'}"),
    )


def compiled_name(group: Group, rule: ResolvedRule, alert_names: AlertNames) -> str:
    """What Prometheus calls the rule."""
    if rule.template.kind == "alert" and alert_names == "qualified":
        return f"{rule.title}_{suffix(group.name) or suffix(group.id)}"
    return rule.title


def find_rule(compiler: Compiler, group_id: str, name: str, alert_names: AlertNames) -> Found | Diagnostic:
    """The group's rule with this key, compiled name, own name or template (RC740, RC741)."""
    resolved = compiler.resolver.resolve(group_id)
    for called in _ways_to_call(resolved, name, alert_names):
        if len(called) == 1:
            return Found(resolved, called[0])
        if called:
            return Diagnostic(
                "RC741",
                f"`{name}` is {len(called)} rules of `{group_id}`",
                help=f"write one of {one_of(rule.name for rule in called)}",
                related=tuple(Related(rule.entry.key(), f"`{rule.name}`") for rule in called),
            )
    return _unknown(compiler, resolved, name, alert_names)


def _ways_to_call(
    resolved: ResolvedGroup, name: str, alert_names: AlertNames
) -> Iterator[list[ResolvedRule]]:
    rules = resolved.rules.values()
    yield [rule for rule in rules if rule.name == name]
    yield [rule for rule in rules if compiled_name(resolved.group, rule, alert_names) == name]
    yield [rule for rule in rules if rule.title == name]
    yield [rule for rule in rules if name in _template_names(rule.template)]


def _template_names(template: Template) -> tuple[str, ...]:
    return template.name, template.path, template.rule, template.name.rpartition("/")[2]


def _unknown(compiler: Compiler, resolved: ResolvedGroup, name: str, alert_names: AlertNames) -> Diagnostic:
    group_id = resolved.group.id
    message = f"the group `{group_id}` has no rule `{name}`"
    elsewhere = []
    for other in compiler.resolver.forest:
        if other.id == group_id:
            continue
        ways = _ways_to_call(compiler.resolver.resolve(other.id), name, alert_names)
        found = next((called for called in ways if called), None)
        if found:
            elsewhere.append((other.id, found[0]))
    if elsewhere:
        other_id, rule = elsewhere[0]
        more = f" and {len(elsewhere) - 1} more have" if len(elsewhere) > 1 else " has"
        return Diagnostic(
            "RC740",
            f"{message}, but `{other_id}`{more}",
            help=f"run `rulecompiler explain {other_id} {rule.name}`",
            related=(Related(rule.entry.key(), f"asked for here, for `{other_id}`"),),
        )
    known: list[str] = []
    for rule in resolved.rules.values():
        known += (rule.name, compiled_name(resolved.group, rule, alert_names), rule.template.name)
    templates = compiler.resolver.library.candidates(name)
    if templates:
        return Diagnostic(
            "RC740",
            f"{message}: no group uses the template `{templates[0].name}`",
            help=f"write `{templates[0].rule}: {{}}` under `rules:` of {resolved.group.path}",
        )
    near = nearest(name, known)
    keys = list(resolved.rules)
    listed = ", ".join(keys[:_MANY]) + (f" and {len(keys) - _MANY} more" if len(keys) > _MANY else "")
    return Diagnostic(
        "RC740", message, help=f"did you mean `{near}`?" if near else f"it has {listed or 'none'}"
    )
