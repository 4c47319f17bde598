"""A plan as data for other programs; docs/json.md and schemas/plan.schema.json describe it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rulecompiler.diagnostics import Diagnostic, Place, Span
from rulecompiler.diff.model import Cover, FieldChange, Plan, RuleAt, RuleChange, SideName

VERSION = 1
"""Rises when a key changes its meaning; new keys do not count."""


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as dicts, lists and scalars."""
    numbers = {id(change): number for number, fold in enumerate(plan.folds) for change in fold.changes}
    return {
        "version": VERSION,
        "summary": plan.summary,
        "base": _side(plan.base),
        "head": _side(plan.head),
        "counts": plan.counts._asdict() | {"incomparable": len(plan.incomparable)},
        "changes": [_change(change, numbers[id(change)]) for change in plan.changes],
        "folds": [
            {
                "action": fold.example.action.value,
                "rules": len(fold.changes),
                "groups": list(fold.group_ids),
                "keys": list(fold.keys),
                "causes": list(fold.example.causes),
            }
            for fold in plan.folds
        ],
        "causes": [cause._asdict() for cause in plan.causes],
        "untouched_edits": list(plan.untouched_edits),
        "incomparable": [
            {
                "group": each.group_id,
                "sides": list(each.sides),
                "diagnostic": None if each.diagnostic is None else _diagnostic(each.diagnostic),
            }
            for each in plan.incomparable
        ],
        "diagnostics": {
            side: [_diagnostic(fault) for fault in plan.diagnostics.get(side, ())]
            for side in ("base", "head")
        },
    }


def _side(name: SideName) -> dict[str, Any]:
    return {"label": name.label, "commit": name.commit or None, "note": name.note}


def _change(change: RuleChange, fold: int) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "group": change.rule.group_id,
        "rule": change.rule.key,
        "fold": fold,
        "fields": [_field(each) for each in change.fields],
        "resets": [each._asdict() | {"sentence": each.sentence} for each in change.resets],
        "why": change.why or None,
        "covered_by": _covers(change.covered_by),
        "takes_over": _covers(change.takes_over),
        "uncovered": _covers(change.uncovered),
        "regained": _covers(change.regained),
        "lost": change.is_lost,
        "causes": list(change.causes),
        "direct": change.direct,
        "old": _rule(change.old),
        "new": _rule(change.new),
    }


def _field(change: FieldChange) -> dict[str, Any]:
    return {
        "field": change.field,
        "key": change.key or None,
        "label": change.label,
        "old": change.old,
        "new": change.new,
        "place": _place(change.place),
        "old_place": _place(change.old_place),
        "parts": [list(part) for part in change.parts],
    }


def _rule(rule: RuleAt | None) -> dict[str, Any] | None:
    if rule is None:
        return None
    return {
        "group": rule.group_id,
        "file": rule.file,
        "rule_group": rule.group,
        "kind": rule.kind,
        "name": rule.name,
        "template": rule.template or None,
        "expr": rule.expr,
        "for": rule.for_,
        "keep_firing_for": rule.keep_firing_for,
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "place": _place(rule.place),
    }


def _covers(covers: Iterable[Cover]) -> list[dict[str, Any]]:
    return [
        {"group": cover.group_id, "rule": cover.key, "name": cover.name, "slice": cover.slice or None}
        for cover in covers
    ]


def _place(place: Place | None) -> dict[str, Any] | None:
    if not isinstance(place, Span):
        return None
    return {"path": place.path, "line": place.line, "column": place.column}


def _diagnostic(fault: Diagnostic) -> dict[str, Any]:
    place = fault.place if isinstance(fault.place, Span) else None
    return {
        "code": fault.code,
        "severity": fault.severity.value,
        "message": fault.message,
        "path": None if fault.place is None else fault.place.path,
        "line": None if place is None else place.line,
        "column": None if place is None else place.column,
        "help": fault.help,
    }
