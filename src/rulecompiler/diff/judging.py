"""Faults of a side that only show over all of its groups: errors there keep a repo from being compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulecompiler.compiler import judge_whole
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors
from rulecompiler.diff.sides import Side
from rulecompiler.model import Facts


def declared(side: Side, group_id: str) -> tuple[str, ...]:
    """The parameters that the templates of a group's rules declare."""
    rules = side.compiler.resolver.resolve(group_id).rules.values()
    return tuple({name: None for rule in rules for name in rule.template.params})


def whole_faults(
    side: Side, known: Mapping[str, tuple[str, ...]], faults: Iterable[Diagnostic]
) -> tuple[Diagnostic, ...]:
    """The errors of the whole, by what groups' templates declare; none beside `faults` of its parts."""
    if has_errors((*side.diagnostics, *faults)) or any(group.id not in known for group in side.forest):
        return ()
    facts = {group.id: Facts(declared=known[group.id]) for group in side.forest}
    return tuple(f for f in judge_whole(side.forest, facts) if f.severity is Severity.ERROR)
