"""What can be wrong with what a group says of a rule, each fault told by the group that wrote it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from rulecompiler import params, promql
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.inheritance import Values
from rulecompiler.labelflow.template import keeps
from rulecompiler.model import Group, Param, Template
from rulecompiler.words import did_you_mean

if TYPE_CHECKING:
    from rulecompiler.resolve import ResolvedRule


def concerns(group: Group, *places: Pointer) -> bool:
    """Whether a fault is this group's to tell, or an ancestor's who told it already."""
    return any(place.path == group.path for place in places)


def unknown_params(template: Template, entry: Values, group: Group) -> Iterator[Diagnostic]:
    """Values for parameters that the template does not declare (RC315)."""
    own: Values = entry["params"].value if "params" in entry else {}
    for name, sourced in own.items():
        if name not in template.params and concerns(group, sourced.origin):
            names = ", ".join(f"`{p}`" for p in template.params)
            yield Diagnostic(
                "RC315",
                f"the template `{template.name}` has no parameter `{name}`",
                sourced.origin.key(),
                label="unknown parameter",
                help=did_you_mean(name, template.params, f"it has {names or 'no parameters'}"),
                related=(Related(template.pointer("params").key(), "declared here"),) if names else (),
            )


def loose_scope(group: Group, rule: ResolvedRule, record: Template) -> Iterator[Diagnostic]:
    """A scope that a record cannot carry as labels, so that its reader may select nothing.

    What the empty value fulfils is no obstacle, and neither is a label that the record's query keeps.
    """
    if not (record.scope and rule.template.scope):
        return
    asked = [m.label for m in group.scope if m.op != "=" and not promql.accepts(m.op, m.value, "")]
    loose = [label for label in asked if not keeps(record, label)]
    if loose:
        yield Diagnostic(
            "RC338",
            out_of_sight(rule.name, record, loose[0]),
            group.pointer("scope"),
            label="a record carries equalities of the scope only",
            help=f"aggregate the record `by ({loose[0]}, …)`, or give this group a scope of equalities",
            severity=Severity.WARNING,
            related=(Related(Pointer(record.path, ("expr",)).key(), "the record's query"),),
        )


def out_of_sight(reader: str, record: Template, label: str) -> str:
    """What is to be said where a record is selected by a label that its query may drop."""
    if keeps(record, label) is False:
        return f"`{reader}` never finds the record `{record.rule}`, whose query drops the label `{label}`"
    keeping = f"only if that record's query keeps the label `{label}`"
    return f"`{reader}` finds the record `{record.rule}` {keeping}"


def record_faults(template: Template, name: str, entry: Values, group: Group) -> Iterator[Diagnostic]:
    """What an entry asks of a recording rule that none can do, told by the group that wrote it."""
    declared = (Related(Pointer(template.path, ("record",)), "declared as a record here"),)
    for key in ("for", "keep_firing_for", "annotations"):
        if key in entry and concerns(group, entry[key].origin):
            yield Diagnostic(
                "RC208",
                f"`{name}` is a recording rule, which has no `{key}`",
                entry[key].origin.key(),
                label="only an alert has it",
                help="take it out",
                related=declared,
            )
    if not promql.is_metric(name) and concerns(group, entry["entry"].origin):
        yield Diagnostic(
            "RC206",
            f"`{name}` is the name of a recording rule, and so must be a metric name",
            entry["entry"].origin.key(),
            label="not a metric name",
            help="use letters, digits, `_` and `:`, and no digit at the start",
            related=declared,
        )


def value_faults(template: Template, values: Values, known: Values) -> Iterator[Diagnostic]:
    """Values that their declaration refuses, each told by the group that wrote it."""
    for name, sourced in values.items():
        param = template.params[name]
        if sourced == known.get(name) or params.accepts(param, sourced.value):
            continue
        fault = params.fault(param, sourced.value, sourced.origin, template.pointer("params", name))
        if fault is not None and sourced.origin.path != template.path:
            yield fault


def missing(template: Template, param: Param, place: Pointer, group: Group) -> Diagnostic:
    """A parameter without a default that no level gives a value (RC316)."""
    declared = Related(template.pointer("params", param.name).key(), "declared here")
    heir = Related(group.pointer("group"), "inherited by this group")
    return Diagnostic(
        "RC316",
        f"`{param.name}` has no value: the template `{template.name}` declares no default for it",
        place.key(),
        label=f"needs `{param.name}`",
        help=f"write `params: {{{param.name}: …}}` here or in a group above",
        related=(declared,) if place.path == group.path else (declared, heir),
    )


def check_instead_of(
    rules: Mapping[str, ResolvedRule], known: Collection[str], group: Group, faults: list[Diagnostic]
) -> None:
    """Slices that stand in for nothing (RC317, RC318), added to `faults`; `known` are all rules' keys."""
    for rule in rules.values():
        if rule.instead_of is None or not concerns(group, rule.entry):
            continue
        place = rule.entry.at("instead_of")
        if not rule.where:
            faults.append(
                Diagnostic(
                    "RC317",
                    f"`{rule.name}` replaces `{rule.instead_of}` nowhere, as it has no `where`",
                    place.key(),
                    label="needs a slice",
                    help="say for which targets with `where:`, or disable the other rule",
                )
            )
        elif rule.instead_of not in known or rule.instead_of == rule.name:
            others = [n for n in known if n != rule.name]
            hint = did_you_mean(rule.instead_of, others, "name a rule of this group or of an ancestor")
            faults.append(
                Diagnostic(
                    "RC318",
                    f"there is no rule `{rule.instead_of}` here that `{rule.name}` could stand in for",
                    place,
                    label="no such rule in this group",
                    help=hint,
                )
            )
