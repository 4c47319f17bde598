"""RC434: a group that disables an inherited rule and says the same under another name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Related, Severity
from rulecompiler.resolve import ResolvedRule


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each rule of the group's own that repeats one which it switched off itself."""
    above = view.parent.rules if view.parent is not None else {}
    for name, entry in view.group.rules.items():
        inherited = above.get(name)
        if inherited is None or not isinstance(entry, Mapping) or entry.get("enabled") is not False:
            continue
        for member in view.members:
            rule = member.rule
            if rule.name in view.group.rules and rule.name not in above and _says(rule) == _says(inherited):
                yield Diagnostic(
                    "RC434",
                    f"`{rule.name}` says what the inherited `{name}` says, which is disabled here",
                    rule.entry.key(),
                    label="the same under another name",
                    help=f"take both entries out: `{name}` is inherited",
                    severity=Severity.INFO,
                    related=(Related(view.group.pointer("rules", name).key(), "disabled here"),),
                )


def _says(rule: ResolvedRule) -> object:
    return (
        rule.template.name,
        {name: repr(value.value) for name, value in rule.params.items()},
        {name: str(value.value) for name, value in rule.labels.items()},
        str(rule.for_.value) if rule.for_ is not None else "",
        rule.where,
    )
