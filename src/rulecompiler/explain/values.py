"""The values of one rule of one group, each with its origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rulecompiler.compiler import Compiler
from rulecompiler.coverage import Assignment
from rulecompiler.diagnostics import Place, Pointer, Span
from rulecompiler.explain.finding import Found
from rulecompiler.explain.origins import Entries, Layer, Origin
from rulecompiler.inheritance import Sourced
from rulecompiler.model import AlertNames, Group, Matcher, Rule
from rulecompiler.render import suffix
from rulecompiler.resolve import ResolvedRule
from rulecompiler.scopes import Scope, negate

Field = Literal[
    "name", "expr", "params", "for", "keep_firing_for", "labels", "annotations",
    "interval", "limit", "query_offset", "scope", "where", "excluded",
]  # fmt: skip
_SETTINGS: tuple[Field, ...] = ("interval", "limit", "query_offset")


class Value(NamedTuple):
    """One value of a rule. `value` is as compiled; `origin.source.value` as it is written."""

    field: Field
    key: str  # of a parameter, label or annotation; empty for the others
    value: Any
    origin: Origin


class Cover(NamedTuple):
    """Another rule, which covers what this one would."""

    group: Group
    rule: ResolvedRule
    name: str  # as compiled
    apart: Scope  # the slice that it took; empty where it is everything


class Values:
    """Iterates over the rule's values, in the order in which they are told."""

    def __init__(
        self,
        compiler: Compiler,
        found: Found,
        assignment: Assignment | None,
        compiled: Rule | None,
        covers: tuple[Cover, ...],
        alert_names: AlertNames,
        locate: Callable[[Place], Span],
    ) -> None:
        self._rule, self._group = found.rule, found.group.group
        self._template = found.rule.template
        self._assignment, self._compiled, self._covers = assignment, compiled, covers
        self._alert_names, self._locate = alert_names, locate
        self._chain = compiler.resolver.forest.chain(self._group.id)
        self._entries = Entries(self._chain, self._rule.name)
        self.is_written = any(self._rule.name in member.rules for member in self._chain)

    def __iter__(self) -> Iterator[Value]:
        compiled, template = self._compiled, self._template
        yield from self._name()
        written = Layer(template.expr, "template", "", template.pointer("expr"))
        yield Value("expr", "", template.expr if compiled is None else compiled.expr, Origin(written))
        for name in template.params:
            sourced = self._rule.params.get(name)
            value = None if sourced is None else sourced.value
            yield Value("params", name, value, self._entries.param(template, name))
        yield from self._durations()
        yield from self._labels()
        texts = compiled.annotations if compiled is not None else _written(self._rule.annotations)
        for name, text in sorted(texts.items()):
            yield Value("annotations", name, text, self._entries.annotation(template, name))
        for key in _SETTINGS:
            origin = self._entries.setting(key)
            if origin.source is not None:
                yield Value(key, "", origin.source.value, origin)
            elif key == "interval":
                yield Value(key, "", None, origin)
        yield from self._scope()

    def _name(self) -> Iterator[Value]:
        origin = self._entries.entry("name")
        if origin.source is None:
            entry, template = self._rule.entry, self._template
            layer = Layer(self._rule.title, "rule entry", self._group_of(entry), entry.key())
            if not self.is_written:  # a record that another rule requires: its template names it
                layer = Layer(template.rule, "template", "", template.pointer(template.kind))
            origin = Origin(layer)
        yield Value("name", "", self._rule.title, origin)
        if self._template.kind == "alert" and self._alert_names == "qualified":
            ending = suffix(self._group.name) or suffix(self._group.id)
            yield Value("name", "ending", f"_{ending}", Origin(self._naming_layer()))

    def _durations(self) -> Iterator[Value]:
        compiled = self._compiled
        for_, keep = self._rule.for_, self._rule.keep_firing_for
        if for_ is not None:
            value = for_.value if compiled is None else compiled.for_
            yield Value("for", "", value, self._entries.duration(self._template, "for"))
        if keep is not None:
            value = keep.value if compiled is None else compiled.keep_firing_for
            yield Value(
                "keep_firing_for", "", value, self._entries.duration(self._template, "keep_firing_for")
            )

    def _labels(self) -> Iterator[Value]:
        texts = self._compiled.labels if self._compiled is not None else _written(self._rule.labels)
        for name, text in sorted(texts.items()):
            origin = self._entries.label(self._template, name)
            own = self._own_label(name, origin)
            if own is not None:
                below = (origin.source,) if origin.source is not None else ()
                origin = Origin(own, (*below, *origin.overrode))
            yield Value("labels", name, text, origin)

    def _own_label(self, name: str, origin: Origin) -> Layer | None:
        """The compiler's word on a label: equalities of the scope, the group's name, a default severity."""
        if self._assignment is None or self._compiled is None:
            return None
        if name == "group":
            return self._naming_layer()
        if any(m.label == name and m.op == "=" and m.value for m in self._group.scope):
            return self._scope_layer(next(m for m in self._group.scope if m.label == name))
        for matcher, sliced in self._entries.slice():
            if matcher.label == name and matcher.op == "=" and sliced.source is not None:
                return sliced.source
        excluded = next((m for m in self._assignment.exclusions if m.label == name and m.op == "="), None)
        if excluded is not None:
            taker = next(c for c in self._covers if any(m.label == name for m in c.apart))
            return Layer(excluded.value, "other rule", taker.group.id, taker.rule.entry.key())
        if name == "severity" and (origin.source is None or not origin.source.value):
            template = self._template
            return Layer("warning", "compiler", "", template.pointer(template.kind))
        return None

    def _scope(self) -> Iterator[Value]:
        for matcher in self._group.scope:
            yield Value("scope", matcher.label, show_matcher(matcher), Origin(self._scope_layer(matcher)))
        for matcher, origin in self._entries.slice():
            yield Value("where", matcher.label, show_matcher(matcher), origin)
        if self._assignment is None:
            return
        for cover in self._covers:
            for matcher in cover.apart:
                layer = Layer(show_matcher(matcher), "other rule", cover.group.id, cover.rule.entry.key())
                yield Value("excluded", matcher.label, show_matcher(negate(matcher)), Origin(layer))

    def _scope_layer(self, matcher: Matcher) -> Layer:
        """Where a matcher of the group's scope is written; the default scope is the group's id."""
        group = self._group
        written = self._locate(group.pointer("scope").key()) != self._locate(Pointer(group.path))
        place = group.pointer("scope", matcher.label) if written else group.pointer("group")
        return Layer(matcher.value, "group scope", group.id, place)

    def _naming_layer(self) -> Layer:
        """The place of the group's name, which is its id where it has none."""
        group = self._group
        return Layer(
            group.name, "group", group.id, group.pointer("group" if group.name == group.id else "name")
        )

    def _group_of(self, place: Pointer) -> str:
        return next((m.id for m in self._chain if m.path == place.path), self._group.id)


def show_matcher(matcher: Matcher) -> str:
    """A matcher as PromQL has it; quotes and backslashes in its value are escaped."""
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{matcher.label}{matcher.op}"{value}"'


def _written(values: Mapping[str, Sourced]) -> Mapping[str, Any]:
    return {name: sourced.value for name, sourced in values.items()}
