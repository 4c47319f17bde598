"""Leads promtool's complaints about a rule back to what its author wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rulecompiler.diagnostics import Diagnostic, Place, Pointer, Related
from rulecompiler.model import Rule, RuleGroup, RuleSet, Template
from rulecompiler.promtool_output import QUOTED, Complaint, unquote


@dataclass(frozen=True, slots=True)
class _Fault:
    """Which field of a rule is meant, and where inside its value promtool stumbled."""

    keys: tuple[str, ...]
    on_key: bool = False
    position: str = ""


_FIELDS = (
    (re.compile(r"could not parse expression: (?P<position>\d+:\d+)?"), ("expr",), False),
    (re.compile(rf"annotation (?P<key>{QUOTED})"), ("annotations",), False),
    (re.compile(rf"label (?P<key>{QUOTED})"), ("labels",), False),
    (re.compile(r"invalid label name: (?P<key>.*)"), ("labels",), True),
    (re.compile(r"invalid annotation name: (?P<key>.*)"), ("annotations",), True),
    (re.compile(r"invalid label value: (?P<key>.*)"), ("labels",), False),
    (re.compile(r"invalid recording rule name"), ("record",), False),
    (re.compile(r"field 'expr' must be set"), ("expr",), False),
    (re.compile(r"invalid field 'for'"), ("for",), True),
    (re.compile(r"invalid field 'keep_firing_for'"), ("keep_firing_for",), True),
    (re.compile(r"invalid field 'annotations'"), ("annotations",), True),
)
_BAD_DURATION = re.compile(rf"(?:not a valid duration string:|.* in duration) ({QUOTED})")
_TOO_OLD = re.compile(r"field (\w+) not found in type")


def blame(
    complaint: Complaint, rules: Mapping[str, RuleSet], templates: Mapping[str, Template] | None = None
) -> Diagnostic:
    """The complaint as a diagnostic (RC610) at what its author wrote.

    That is the template's field, with the group's line that asks for the rule as second place.
    `rules` holds what each file was written from. With `templates` (by path), a label, annotation
    or duration that the template does not have is blamed on the group's line. RC611 for a field
    that this promtool is too old to know.
    """
    written = rules[complaint.file_name]
    too_old = _TOO_OLD.match(complaint.message)
    if too_old:
        return Diagnostic(
            "RC611",
            f"this promtool does not know the field `{too_old[1]}` of {complaint.file_name}",
            place=_source(written),
            help="use a promtool as new as the Prometheus servers, or leave the field out",
        )
    rule = _rule(complaint, written)
    if rule is not None:
        return _at_rule(complaint, rule, _fault(complaint.message, rule), templates)
    duration = _BAD_DURATION.match(complaint.message)
    if duration:
        found = _with_duration(unquote(duration[1]), written, templates)
        if found is not None:
            return replace(found, message=f"promtool: {complaint.message}")
    line = f", line {complaint.line}" if complaint.line else ""
    return Diagnostic(
        "RC610",
        f"promtool: {complaint.message}",
        place=_source(written),
        label=f"in {complaint.file_name}{line}",
        help="correct what this group's rules are made from; if the YAML itself is refused, report a bug",
    )


def _source(rules: RuleSet) -> Place | None:
    return Pointer(rules.sources[-1]) if rules.sources else None


def _rule(complaint: Complaint, rules: RuleSet) -> Rule | None:
    group = next((g for g in rules.groups if g.name == complaint.group), None)
    index = complaint.rule_index
    if group is None or index is None or not 0 <= index < len(group.rules):
        return None
    return group.rules[index]


def _fault(message: str, rule: Rule) -> _Fault:
    for pattern, keys, on_key in _FIELDS:
        match = pattern.match(message)
        if match is None:
            continue
        found = match.groupdict()
        key = found.get("key")
        if key is not None:
            key = unquote(key) if key.startswith('"') else key
            return _Fault((*keys, key), on_key)
        return _Fault(keys, on_key, found.get("position") or "")
    return _Fault((rule.kind,))


def _at_rule(
    complaint: Complaint, rule: Rule, fault: _Fault, templates: Mapping[str, Template] | None
) -> Diagnostic:
    place: Place = Pointer(rule.template, fault.keys, fault.on_key)
    related = (Related(rule.entry, f"this asks for {rule.name}"),)
    template = (templates or {}).get(rule.template)
    if template is not None and not _has(template, fault.keys):
        place, related = rule.entry, (Related(Pointer(rule.template), "the rule's template"),)
    return Diagnostic(
        "RC610",
        f"promtool refuses {rule.kind} {rule.name}: {complaint.message}",
        place=place,
        help=_excerpt(rule.expr, fault.position) or "correct it in the template, or where the group sets it",
        related=related,
    )


def _has(template: Template, keys: tuple[str, ...]) -> bool:
    field, *rest = keys
    if field in ("labels", "annotations"):
        own = template.labels if field == "labels" else template.annotations
        return not rest or rest[0] in own
    if field == "for":
        return template.for_ is not None
    return field != "keep_firing_for" or template.keep_firing_for is not None


def _excerpt(expr: str, position: str) -> str:
    """Where promtool stumbled in the compiled expression; empty if it does not say."""
    if not position:
        return ""
    line, column = map(int, position.split(":"))
    lines = expr.split("\n")
    if not 1 <= line <= len(lines):
        return ""
    text = lines[line - 1]
    # promtool counts bytes; a column past the end is the end of the expression.
    before = text.encode()[: column - 1].decode("utf-8", "ignore")
    return f"the compiled expression stops making sense at `{before[-40:]}⟶{text[len(before) :][:40]}`"


def _with_duration(
    duration: str, rules: RuleSet, templates: Mapping[str, Template] | None
) -> Diagnostic | None:
    """A diagnostic at the first field that holds this duration."""
    for group in rules.groups:
        for field in ("interval", "query_offset"):
            if _group_field(group, field) == duration and rules.sources:
                return Diagnostic("RC610", "", Pointer(rules.sources[-1], (field,)), help=_DURATION_HELP)
        for rule in group.rules:
            for field, value in (("for", rule.for_), ("keep_firing_for", rule.keep_firing_for)):
                if value == duration:
                    complaint = Complaint("", None, None, None, "")
                    found = _at_rule(complaint, rule, _Fault((field,)), templates)
                    return replace(found, help=_DURATION_HELP)
    return None


_DURATION_HELP = "write a duration such as 30s, 5m, 1h30m or 2d"


def _group_field(group: RuleGroup, field: str) -> str | None:
    return group.interval if field == "interval" else group.query_offset
