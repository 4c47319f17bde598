"""Inheritance: what each rule of a group is, with the place that every value comes from.

Precedence, low to high: the template; group-wide values from the root group down; the rule's own
entry from the root group down. A written `null` takes an inherited value back to the template's.
What a group does not touch is the parent's very object, so that unchanged rules cost nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from rulecompiler.decode import matchers
from rulecompiler.diagnostics import Diagnostic, Pointer, Related
from rulecompiler.entry_faults import (
    check_instead_of,
    concerns,
    loose_scope,
    missing,
    record_faults,
    unknown_params,
    value_faults,
)
from rulecompiler.forest import Forest
from rulecompiler.inheritance import NOTHING, Policy, Sourced, Values, inherit, overlay
from rulecompiler.library import Library, required
from rulecompiler.model import Group, Matcher, Template


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
        self._bases: dict[tuple[str, str], Values] = {}

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
            kept = old if untouched else None
            rule = self._rule(name, entry, policy, kept, group, faults, same_wide=policy.wide is above.wide)
            if rule is not None:
                rules[name] = rule
        self._require(rules, policy, parent, group, faults)
        check_instead_of(rules, policy.entries, group, faults)
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
        *,
        same_wide: bool = False,
    ) -> ResolvedRule | None:
        """The rule of an entry; `old` is the parent's where the entry itself is unchanged.

        With `same_wide` the group-wide parameters are the parent's too.
        """
        template = old.template if old is not None else self._template(name, entry, group, faults)
        if template is None:
            return None
        if old is not None and same_wide and old.sound and len(old.params) == len(template.params):
            base = self._base(template, "labels")
            return old._replace(labels=overlay(base, policy.labels, entry.get("labels")))
        place = entry["entry"].origin
        values = _param_values(template, entry, policy.wide)
        bad: list[Diagnostic] = []
        if len(values) < len(template.params) and not group.abstract:
            bad.extend(
                missing(template, param, place, group)
                for param in template.params.values()
                if param.name not in values
            )
        labels = overlay(self._base(template, "labels"), policy.labels, entry.get("labels"))
        if old is not None:
            if values == old.params and old.sound:
                values = old.params
            else:
                bad.extend(value_faults(template, values, old.params if old.sound else {}))
            faults.extend(bad)
            return old._replace(params=values, labels=labels, sound=not bad)
        faults.extend(unknown_params(template, entry, group))
        named = entry.get("name")
        title = name if named is None else str(named.value)
        if template.kind == "record":
            faults.extend(record_faults(template, title, entry, group))
        bad.extend(value_faults(template, values, {}))
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
            overlay(self._base(template, "annotations"), {}, entry.get("annotations")),
            matchers(where.value) if where is not None else (),
            str(instead_of.value) if instead_of is not None else None,
            place,
            not bad,
        )

    def _base(self, template: Template, field: Literal["labels", "annotations"]) -> Values:
        """A template's own labels or annotations, made once for all of its rules."""
        known = self._bases.get((template.path, field))
        if known is None:
            texts = template.labels if field == "labels" else template.annotations
            known = {key: Sourced(value, template.pointer(field, key)) for key, value in texts.items()}
            self._bases[template.path, field] = known
        return known

    def _template(self, name: str, entry: Values, group: Group, faults: list[Diagnostic]) -> Template | None:
        reference = entry.get("template")
        place = reference.origin if reference else entry["entry"].origin.key()
        found = self.library.find(str(reference.value) if reference else name, place)
        if isinstance(found, Template):
            return found
        # An inherited entry's fault was told where the entry was written.
        if found is not None and concerns(group, place):
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
                elif not present.enabled and concerns(group, rule.entry, present.entry):
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
                    faults.extend(loose_scope(group, rule, template))
                if rule.where and concerns(group, rule.entry):
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
            if concerns(group, rule.entry, taken.entry):
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


def _override(own: Sourced | None, text: str | None, template: Template, key: str) -> Sourced | None:
    if own is not None:
        return own
    return Sourced(text, template.pointer(key)) if text is not None else None
