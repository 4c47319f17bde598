"""RC426: a rule that asks for a record which its group does not have."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each record of this repo that a scoped query asks for in vain."""
    if not view.repo.records or view.group.abstract:
        return
    titles = {m.rule.title for m in view.members if m.rule.template.kind == "record"}
    for rule, subject, _ in view.members:
        template = rule.template
        if not template.scope:
            continue
        for metric in dict.fromkeys(s.metric for s in subject.selectors()):
            record = view.repo.records.get(metric or "")
            if metric is None or record is None or metric in titles or metric in template.unscoped:
                continue
            if not record.scope or ":" not in metric:
                continue  # it has everybody's series, or an exporter may have it too
            yield Diagnostic(
                "RC426",
                f"`{rule.name}` asks for the record `{metric}`, which `{view.group.id}` does not have",
                rule.entry.key(),
                label="finds no series under this group's scope",
                help=f"write `requires: [{metric}]` in the template, or enable the record here",
                severity=Severity.WARNING,
                related=(
                    Related(template.pointer("expr").key(), "asked for here"),
                    Related(record.pointer("record"), "the record"),
                ),
            )
