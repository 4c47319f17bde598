"""RC438: a record that a rule asks for and no group compiles."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.model import Template


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each that a template of this repo would make, or whose name is nearly one's.

    Within a scope RC426 tells of it, group by group. Other names with a colon may be somebody else's.
    """
    records = {template.rule: template for template in view.templates if template.kind == "record"}
    by_name = {template.name: template for template in view.templates}
    known = view.written | records.keys()
    for name, metric in sorted(view.asked):
        template = by_name[name]
        if ":" not in metric or metric in view.written:
            continue
        record = records.get(metric)
        if record is not None:
            if not template.scope or not record.scope or metric in template.unscoped:
                yield _uncompiled(template, record)
            continue
        near = next((one for one in sorted(known) if ":" in one and _slip(metric, one)), None)
        if near is not None:
            yield Diagnostic(
                "RC438",
                f"no template makes the record `{metric}` that is asked for here",
                _place(template, metric),
                label="finds nothing",
                help=f"did you mean `{near}`?",
                severity=Severity.WARNING,
            )


def _slip(left: str, right: str) -> bool:
    """Whether one letter was left out, added or another one, or two changed places."""
    if abs(len(left) - len(right)) > 1 or any(c.isdigit() for c in set(left) ^ set(right)):
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    if start is None:
        return len(left) != len(right)
    one, other = left[start:], right[start:]
    return one[1:] in (other[1:], other) or one == other[1:] or (one[1::-1] + one[2:]) == other


def _uncompiled(template: Template, record: Template) -> Diagnostic:
    return Diagnostic(
        "RC438",
        f"no group compiles the record `{record.rule}` that is asked for here",
        _place(template, record.rule),
        label="finds nothing",
        help=f"write `requires: [{record.rule}]`, or enable the record in a group",
        severity=Severity.WARNING,
        related=(Related(record.pointer("record"), "its template"),),
    )


def _place(template: Template, metric: str) -> Pointer:
    start = template.expr.find(metric)
    return Pointer(template.path, ("expr",), False, start, start + len(metric) if start >= 0 else -1)
