"""From a resolved rule to the rule that Prometheus gets: values put in, scope injected and proven."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rulecompiler import promql
from rulecompiler.coverage import Assignment
from rulecompiler.decode import text_of
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.inheritance import Sourced, Values
from rulecompiler.interpolation import GroupFacts, Program, Promql, TextFault, compile_text
from rulecompiler.model import AlertNames, Matcher, Rule, Segment, Template, Unproven
from rulecompiler.params import is_duration
from rulecompiler.resolve import ResolvedRule
from rulecompiler.scopes import show_scope
from rulecompiler.words import did_you_mean


class Rendered(NamedTuple):
    """What came of one assignment: a rule, or the reasons why there is none."""

    rule: Rule | None
    diagnostics: tuple[Diagnostic, ...]
    unproven: Unproven | None = None


def render(assignment: Assignment, group: GroupFacts, alert_names: AlertNames) -> Rendered:
    """The rule of an assignment, or its faults (RC5xx, RC340, RC341)."""
    faults: list[Diagnostic] = []
    rule, scope, exclusions = assignment
    template = rule.template
    values = _values(template, rule.params)
    query = _query(template, values, group, (*scope, *exclusions), rule.entry, faults)
    if query is not None and not query.narrowed and (rule.where or exclusions):
        faults.append(_not_narrowed(rule, exclusions))

    def text(sourced: Sourced | None) -> str | None:
        return None if sourced is None else _text(sourced, values, group, rule.entry, faults)

    for_ = _duration(text(rule.for_), rule.for_, faults)
    keep = _duration(text(rule.keep_firing_for), rule.keep_firing_for, faults)
    labels = {name: text(sourced) or "" for name, sourced in rule.labels.items()}
    annotations = {name: text(rule.annotations[name]) or "" for name in sorted(rule.annotations)}
    # An exclusion may be an equality too (`not: a` shut out): a record that sums the label away must
    # carry it all the same, or the alert that selects by it would never see the record.
    equal = {m.label: m.value for m in (*scope, *exclusions) if m.op == "=" and m.value}
    fixed = equal | {"group": group.name}
    faults.extend(_label_faults(rule.labels, labels, fixed))
    if template.kind == "alert" and not labels.get("severity"):
        labels["severity"] = "warning"
        faults.append(_no_severity(template))
    name = rule.title
    if template.kind == "alert" and alert_names == "qualified":
        name = f"{name}_{suffix(group.name) or suffix(group.id)}"
    if template.kind == "alert":  # of which Prometheus renders the labels, also those that are not its own
        fixed = {label: value.replace("{{", '{{"{{"}}') for label, value in fixed.items()}
    if query is None or any(f.severity is Severity.ERROR for f in faults):
        return Rendered(None, tuple(faults))
    unproven = None if query.proven else Unproven(query.original, query.text, template.path)
    return Rendered(
        Rule(
            template.kind,
            name,
            query.text.rstrip(),
            for_,
            keep,
            dict(sorted((labels | fixed).items())),
            annotations,
            template.path,
            rule.entry,
            _overrides(rule),
            query.narrowed,
        ),
        tuple(faults),
        unproven,
    )


def check_template(template: Template) -> tuple[Diagnostic, ...]:
    """What is wrong with a template before any group uses it (RC520 to RC522, RC5xx with defaults)."""
    faults: list[Diagnostic] = []
    used: set[str] = set()
    for keys, text in _texts(template):
        place = template.pointer(*keys)
        program = compile_text(text)
        if isinstance(program, TextFault):
            faults.append(_text_fault("RC520", program, place))
            continue
        used |= program.names
        for name in sorted(program.names - template.params.keys()):
            faults.append(_undefined(template, name, text, place))
    # What a text that cannot be read would use is not known.
    for name in () if any(f.code == "RC520" for f in faults) else template.params:
        if name not in used:
            faults.append(
                Diagnostic(
                    "RC522",
                    f"the parameter `{name}` is used nowhere",
                    template.pointer("params", name).key(),
                    label="never used",
                    help=f"write `${{{name}}}` where it belongs, or take it out",
                )
            )
    if not faults and not any(p.required for p in template.params.values()):
        facts = GroupFacts("group", "group", {})
        values = {n: _value(p.format, p.default) for n, p in template.params.items()}
        scope = (Matcher("group_id", "=", "group"),)
        program = compile_text(template.expr)
        if not isinstance(program, TextFault) and not program.uses_group:
            _query(template, values, facts, scope, None, faults)
            # Whether the author's own matcher agrees is for the groups to say: this scope is made up.
            faults = [f for f in faults if f.code != promql.CONTRADICTION]
    return tuple(faults)


def suffix(group_name: str) -> str:
    """A group's name as the end of an alert's: `gpu-cluster a` → `GpuClusterA`."""
    words = re.findall(r"[^\W_]+", group_name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def _values(template: Template, params: Values) -> Mapping[str, Any]:
    return {n: _value(template.params[n].format, s.value) for n, s in params.items()}


def _value(value_format: str, value: Any) -> Any:
    return Promql(value) if value_format == "promql" and isinstance(value, str) else value


def _texts(template: Template) -> Iterator[tuple[tuple[str, ...], str]]:
    yield ("expr",), template.expr
    if template.for_ is not None:
        yield ("for",), template.for_
    if template.keep_firing_for is not None:
        yield ("keep_firing_for",), template.keep_firing_for
    for name, text in template.labels.items():
        yield ("labels", name), text
    for name, text in template.annotations.items():
        yield ("annotations", name), text


def _query(
    template: Template,
    values: Mapping[str, Any],
    group: GroupFacts,
    scope: tuple[Matcher, ...],
    entry: Pointer | None,
    faults: list[Diagnostic],
) -> promql.ScopedQuery | None:
    place = template.pointer("expr")
    segments = _segments(template.expr, place, values, group, entry, faults)
    if segments is None:
        return None
    query = promql.prepare(segments, unscoped=template.unscoped, scoped=template.scope)
    result = query.scope(scope) if isinstance(query, promql.Query) else query
    if isinstance(result, promql.ScopedQuery):
        return result
    related = (Related(entry.key(), f"compiled for the group `{group.name}`"),) if entry is not None else ()
    faults.extend(
        Diagnostic(p.code, p.message, place._replace(start=p.start, end=p.end), help=p.help, related=related)
        for p in result
    )
    return None


def _segments(
    text: str,
    place: Pointer,
    values: Mapping[str, Any],
    group: GroupFacts,
    entry: Pointer | None,
    faults: list[Diagnostic],
) -> tuple[Segment, ...] | None:
    program: Program | TextFault = compile_text(text)
    if isinstance(program, TextFault):
        faults.append(_text_fault("RC520", program, place))
        return None
    result = program.render(values, group)
    if isinstance(result, TextFault):
        fault = _text_fault("RC521" if result.undefined else "RC523", result, place)
        faults.append(fault if entry is None else _blaming(fault, entry))
        return None
    return result


def _overrides(rule: ResolvedRule) -> Mapping[tuple[str, ...], Pointer]:
    """The places of a rule's texts that are not the template's."""
    path = rule.template.path
    found: dict[tuple[str, ...], Pointer] = {}
    for field, values in (("annotations", rule.annotations), ("labels", rule.labels)):
        for name, sourced in values.items():
            if sourced.origin.path != path:
                found[field, name] = sourced.origin
    if rule.keep_firing_for is not None and rule.keep_firing_for.origin.path != path:
        found["keep_firing_for",] = rule.keep_firing_for.origin
    return found


def _text(
    sourced: Sourced,
    values: Mapping[str, Any],
    group: GroupFacts,
    entry: Pointer,
    faults: list[Diagnostic],
) -> str | None:
    text = text_of(sourced.value)
    if "$" not in text and "{" not in text:
        return text
    segments = _segments(text, sourced.origin, values, group, entry, faults)
    return None if segments is None else "".join(s.text for s in segments)


def _duration(text: str | None, sourced: Sourced | None, faults: list[Diagnostic]) -> str | None:
    if text is None or sourced is None or is_duration(text):
        return text
    faults.append(
        Diagnostic(
            "RC524",
            f"`{text}` is not a duration",
            sourced.origin,
            label="not a duration",
            help="write a number and a unit, such as 30s, 5m or 1h30m",
        )
    )
    return None


def _label_faults(
    written: Values, labels: Mapping[str, str], fixed: Mapping[str, str]
) -> Iterator[Diagnostic]:
    for name, value in fixed.items():
        own = labels.get(name, value)
        # A templated label may well come out the same for every target of the scope.
        if own != value and "{{" not in own:
            yield Diagnostic(
                "RC340",
                f"the label `{name}` is set by the compiler to `{value}` here, not to `{own}`",
                written[name].origin,
                label="cannot differ",
                help="take the label out, or give it another name",
            )


def _not_narrowed(rule: ResolvedRule, exclusions: tuple[Matcher, ...]) -> Diagnostic:
    """A rule whose query takes no scope, where it is to cover some of its group's targets only."""
    unscoped = Pointer(rule.template.path, ("unscoped" if rule.template.scope else "scope",)).key()
    related = (Related(unscoped, "the query is left without a scope"),)
    if rule.where:
        return Diagnostic(
            "RC339",
            f"`{rule.name}` cannot be a slice: its query takes no scope",
            rule.entry.at("where").key(),
            label="would narrow nothing",
            help="take `where:` out, or write a template whose query is scoped",
            related=related,
        )
    return Diagnostic(
        "RC339",
        f"`{rule.name}` covers everybody's targets here, also those that other rules or groups take over",
        rule.entry.key(),
        label=f"its query cannot leave out what {show_scope(exclusions)} would",
        help="let one group have this rule, or write a template whose query is scoped",
        severity=Severity.WARNING,
        related=related,
    )


def _no_severity(template: Template) -> Diagnostic:
    return Diagnostic(
        "RC341",
        f"the alert `{template.rule}` has no severity, so it becomes a warning",
        template.pointer("labels" if template.labels else "alert").key(),
        label="no `severity`",
        help="write `labels: {severity: …}` in the template or in the group",
        severity=Severity.WARNING,
    )


def _text_fault(code: str, fault: TextFault, place: Pointer) -> Diagnostic:
    return Diagnostic(code, fault.message, place._replace(start=fault.start, end=fault.end), help=fault.help)


def _blaming(fault: Diagnostic, entry: Pointer) -> Diagnostic:
    return Diagnostic(
        fault.code,
        fault.message,
        fault.place,
        help=fault.help,
        related=(Related(entry.key(), "with the values of this rule"),),
    )


def _undefined(template: Template, name: str, text: str, place: Pointer) -> Diagnostic:
    match = re.search(rf"\b{re.escape(name)}\b", text[text.find("${") :] if "${" in text else text)
    start = match.start() + max(text.find("${"), 0) if match else -1
    return Diagnostic(
        "RC521",
        f"`{name}` is not defined",
        place._replace(start=start, end=start + len(name) if start >= 0 else -1),
        label="no such parameter",
        help=did_you_mean(
            name,
            [*template.params, "group"],
            "declare it under `params:`; in a regex replacement write `$1` or `${1}`",
        ),
    )
