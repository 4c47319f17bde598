"""Inheritance: what each rule of a group is, with the place that every value comes from.

Precedence, low to high: the template; group-wide values from the root group down; the rule's own
entry from the root group down. A written `null` takes an inherited value back to the template's.
What a group does not touch is the parent's very object, so that unchanged rules cost nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from rulecompiler import params, promql
from rulecompiler.decode import matchers
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.forest import Forest
from rulecompiler.inheritance import NOTHING, Policy, Sourced, Values, inherit
from rulecompiler.library import Library, required
from rulecompiler.model import Group, Matcher, Param, Template
from rulecompiler.words import did_you_mean


class ResolvedRule(NamedTuple):
    """One rule of one group after inheritance, not yet rendered.

    `where` narrows the group's scope; `instead_of` names the wider rule that gives the slice up.
    `entry` is the place in a group file that asks for the rule, the most specific one.
    """

    name: str  # its key in the group
    title: str  # its own name, which several rules of a group may share
    template: Template
    enabled: bool
    params: Values
    for_: Sourced | None
    keep_firing_for: Sourced | None
    labels: Values
    annotations: Values
    where: tuple[Matcher, ...]
    instead_of: str | None
    entry: Pointer
    sound: bool = True  # every parameter has a value that its declaration allows


class ResolvedGroup(NamedTuple):
    """One group after inheritance: its evaluation settings, and every rule that it knows."""

    group: Group
    labels: Values
    interval: Sourced | None
    limit: Sourced | None
    query_offset: Sourced | None
    rules: Mapping[str, ResolvedRule]
    diagnostics: tuple[Diagnostic, ...]


class Resolver:
    """Resolves groups on demand and remembers them: ancestors are shared between their heirs."""

    def __init__(self, library: Library, forest: Forest) -> None:
        self.library = library
        self.forest = forest
        self._policies: dict[str, Policy] = {}
        self._groups: dict[str, ResolvedGroup] = {}

    def resolve(self, group_id: str) -> ResolvedGroup:
        """The group's rules with their values; its faults are in `diagnostics` (RC2xx, RC3xx)."""
        for group in self.forest.chain(group_id):
            if group.id not in self._groups:
                self._groups[group.id] = self._resolve(group)
        return self._groups[group_id]

    def _resolve(self, group: Group) -> ResolvedGroup:
        above = self._policies[group.parent] if group.parent is not None else NOTHING
        parent = self._groups[group.parent] if group.parent is not None else None
        policy = self._policies[group.id] = inherit(above, group)
        faults: list[Diagnostic] = []
        rules: dict[str, ResolvedRule] = {}
        for name, entry in policy.entries.items():
            old = parent.rules.get(name) if parent else None
            untouched = old is not None and entry is above.entries.get(name)
            same_values = policy.wide is above.wide and policy.labels is above.labels
            # What an abstract group may leave without a value is a fault in its heirs.
            if old is not None and untouched and same_values and len(old.params) == len(old.template.params):
                rules[name] = old
                continue
            rule = self._rule(name, entry, policy, old if untouched else None, group, faults)
            if rule is not None:
                rules[name] = rule
        self._require(rules, policy, parent, group, faults)
        _check_instead_of(rules, policy.entries, group, faults)
        settings = policy.settings
        return ResolvedGroup(
            group,
            policy.labels,
            settings.get("interval"),
            settings.get("limit"),
            settings.get("query_offset"),
            rules,
            tuple(faults),
        )

    def _rule(
        self,
        name: str,
        entry: Values,
        policy: Policy,
        old: ResolvedRule | None,
        group: Group,
        faults: list[Diagnostic],
    ) -> ResolvedRule | None:
        """The rule of an entry; `old` is the parent's where the entry itself is unchanged."""
        template = old.template if old is not None else self._template(name, entry, group, faults)
        if template is None:
            return None
        place = entry["entry"].origin
        values = _param_values(template, entry, policy.wide)
        bad: list[Diagnostic] = []
        if len(values) < len(template.params) and not group.abstract:
            bad.extend(
                _missing(template, param, place, group)
                for param in template.params.values()
                if param.name not in values
            )
        labels = _overlay(template, "labels", template.labels, policy.labels, entry.get("labels"))
        if old is not None:
            if values == old.params and old.sound:
                values = old.params
            else:
                bad.extend(_value_faults(template, values, old.params if old.sound else {}))
            faults.extend(bad)
            return old._replace(params=values, labels=labels, sound=not bad)
        faults.extend(_unknown_params(template, entry, group))
        named = entry.get("name")
        title = name if named is None else str(named.value)
        if template.kind == "record":
            faults.extend(_record_faults(template, title, entry, group))
        bad.extend(_value_faults(template, values, {}))
        faults.extend(bad)
        enabled = entry.get("enabled")
        where = entry.get("where")
        instead_of = entry.get("instead_of")
        return ResolvedRule(
            name,
            title,
            template,
            enabled is None or enabled.value is not False,
            values,
            _override(entry.get("for"), template.for_, template, "for"),
            _override(entry.get("keep_firing_for"), template.keep_firing_for, template, "keep_firing_for"),
            labels,
            _overlay(template, "annotations", template.annotations, {}, entry.get("annotations")),
            matchers(where.value) if where is not None else (),
            str(instead_of.value) if instead_of is not None else None,
            place,
            not bad,
        )

    def _template(self, name: str, entry: Values, group: Group, faults: list[Diagnostic]) -> Template | None:
        reference = entry.get("template")
        place = reference.origin if reference else entry["entry"].origin.key()
        found = self.library.find(str(reference.value) if reference else name, place)
        if isinstance(found, Template):
            return found
        # An inherited entry's fault was told where the entry was written.
        if found is not None and _concerns(group, place):
            faults.append(found)
        return None

    def _require(
        self,
        rules: dict[str, ResolvedRule],
        policy: Policy,
        parent: ResolvedGroup | None,
        group: Group,
        faults: list[Diagnostic],
    ) -> None:
        """Adds the records that enabled rules need, and refuses those that were switched off."""
        # A query asks for a record by the name that its template gives it.
        by_template = {
            r.template.name: r for r in rules.values() if not r.where and r.title == r.template.rule
        }
        needy = [r for r in rules.values() if r.enabled and r.template.requires]
        # By name, as the first one lends the record its place, whatever the order in the file.
        for rule in sorted(needy, key=lambda r: r.name):
            for template in required(self.library, rule.template):
                present = by_template.get(template.name)
                if present is None:
                    present = self._implied(template, rule, rules, policy, parent, group, faults)
                    if present is not None:
                        by_template[template.name] = rules[template.rule] = present
                elif not present.enabled and _concerns(group, rule.entry, present.entry):
                    faults.append(
                        Diagnostic(
                            "RC313",
                            f"`{rule.name}` requires `{template.rule}`, which is disabled here",
                            rule.entry.key(),
                            label="needs the record",
                            help=f"enable `{template.rule}`, or disable `{rule.name}` too",
                            related=(Related(present.entry.key(), "disabled here"),),
                        )
                    )
                if present is not None and not group.abstract:
                    faults.extend(_loose_scope(group, rule, template))
                if rule.where and _concerns(group, rule.entry):
                    faults.append(
                        Diagnostic(
                            "RC314",
                            f"`{rule.name}` is a slice, but the record `{template.rule}` that it requires "
                            "does not carry the slice's labels",
                            rule.entry.at("where").key(),
                            label="the record is made for the whole group",
                            help="use a template without a record here, or a group of its own for the slice",
                        )
                    )

    def _implied(
        self,
        template: Template,
        rule: ResolvedRule,
        rules: Mapping[str, ResolvedRule],
        policy: Policy,
        parent: ResolvedGroup | None,
        group: Group,
        faults: list[Diagnostic],
    ) -> ResolvedRule | None:
        """The rule of a record that no entry names, with all defaults."""
        taken = rules.get(template.rule)
        if taken is not None:
            if _concerns(group, rule.entry, taken.entry):
                faults.append(
                    Diagnostic(
                        "RC320",
                        f"`{rule.name}` requires the record `{template.rule}`, "
                        "a name that another rule has here",
                        rule.entry.key(),
                        label="needs the record",
                        help="rename the other rule",
                        related=(Related(taken.entry.key(), f"made from `{taken.template.name}`"),),
                    )
                )
            return None
        old = parent.rules.get(template.rule) if parent else None
        if old is not None and (old.template is not template or old.entry != rule.entry):
            old = None
        entry = {
            "entry": Sourced(None, rule.entry),
            "template": Sourced(template.name, rule.entry),
        }
        return self._rule(template.rule, entry, policy, old, group, faults)


def _concerns(group: Group, *places: Pointer) -> bool:
    """Whether a fault is this group's to tell, or an ancestor's who told it already."""
    return any(place.path == group.path for place in places)


def _param_values(template: Template, entry: Values, wide: Values) -> Values:
    own: Values = entry["params"].value if "params" in entry else {}
    values: dict[str, Sourced] = {}
    for name, param in template.params.items():
        sourced = own.get(name)
        if sourced is None:
            sourced = wide.get(name)
        if sourced is None or sourced.value is None:
            if param.required:
                continue
            sourced = Sourced(param.default, Pointer(template.path, ("params", name, "default")))
        values[name] = sourced
    return values


def _unknown_params(template: Template, entry: Values, group: Group) -> Iterator[Diagnostic]:
    own: Values = entry["params"].value if "params" in entry else {}
    for name, sourced in own.items():
        if name not in template.params and _concerns(group, sourced.origin):
            names = ", ".join(f"`{p}`" for p in template.params)
            yield Diagnostic(
                "RC315",
                f"the template `{template.name}` has no parameter `{name}`",
                sourced.origin.key(),
                label="unknown parameter",
                help=did_you_mean(name, template.params, f"it has {names or 'no parameters'}"),
                related=(Related(template.pointer("params").key(), "declared here"),) if names else (),
            )


def _loose_scope(group: Group, rule: ResolvedRule, record: Template) -> Iterator[Diagnostic]:
    """A scope that a record cannot carry as labels, so that its reader may select nothing."""
    loose = [m.label for m in group.scope if m.op != "="]
    if loose and record.scope and rule.template.scope:
        yield Diagnostic(
            "RC338",
            f"`{rule.name}` finds the record `{record.rule}` only if that record's query keeps "
            f"the label `{loose[0]}`",
            group.pointer("scope"),
            label="a record carries equalities of the scope only",
            help=f"aggregate the record `by ({loose[0]}, …)`, or give this group a scope of equalities",
            severity=Severity.WARNING,
            related=(Related(Pointer(record.path, ("expr",)).key(), "the record's query"),),
        )


def _record_faults(template: Template, name: str, entry: Values, group: Group) -> Iterator[Diagnostic]:
    """What an entry asks of a recording rule that none can do, told by the group that wrote it."""
    declared = (Related(Pointer(template.path, ("record",)), "declared as a record here"),)
    for key in ("for", "keep_firing_for", "annotations"):
        if key in entry and _concerns(group, entry[key].origin):
            yield Diagnostic(
                "RC208",
                f"`{name}` is a recording rule, which has no `{key}`",
                entry[key].origin.key(),
                label="only an alert has it",
                help="take it out",
                related=declared,
            )
    if not promql.is_metric(name) and _concerns(group, entry["entry"].origin):
        yield Diagnostic(
            "RC206",
            f"`{name}` is the name of a recording rule, and so must be a metric name",
            entry["entry"].origin.key(),
            label="not a metric name",
            help="use letters, digits, `_` and `:`, and no digit at the start",
            related=declared,
        )


def _value_faults(template: Template, values: Values, known: Values) -> Iterator[Diagnostic]:
    """Values that their declaration refuses, each told by the group that wrote it."""
    for name, sourced in values.items():
        param = template.params[name]
        if sourced == known.get(name) or params.accepts(param, sourced.value):
            continue
        fault = params.fault(param, sourced.value, sourced.origin, template.pointer("params", name))
        if fault is not None and sourced.origin.path != template.path:
            yield fault


def _missing(template: Template, param: Param, place: Pointer, group: Group) -> Diagnostic:
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


def _override(own: Sourced | None, text: str | None, template: Template, key: str) -> Sourced | None:
    if own is not None:
        return own
    return Sourced(text, template.pointer(key)) if text is not None else None


def _overlay(
    template: Template, field: str, base: Mapping[str, str], wide: Values, own: Sourced | None
) -> Values:
    """A template's labels or annotations under a group's; a `null` gives the template's back."""
    merged = {key: Sourced(value, template.pointer(field, key)) for key, value in base.items()}
    merged.update((k, v) for k, v in wide.items() if v.value is not None)
    if own is not None:
        for key, sourced in own.value.items():
            if sourced.value is not None:
                merged[key] = sourced
            elif key in base:
                merged[key] = Sourced(base[key], template.pointer(field, key))
            else:
                merged.pop(key, None)
    return merged


def _check_instead_of(
    rules: Mapping[str, ResolvedRule], known: Collection[str], group: Group, faults: list[Diagnostic]
) -> None:
    for rule in rules.values():
        if rule.instead_of is None or not _concerns(group, rule.entry):
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
