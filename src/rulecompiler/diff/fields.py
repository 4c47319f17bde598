"""Two compiled rules, field by field: what differs for Prometheus, and the place that caused it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rulecompiler.coverage import Assignment
from rulecompiler.diagnostics import Place, Span
from rulecompiler.diff.items import Item
from rulecompiler.diff.model import Field, FieldChange, Reset
from rulecompiler.model import AlertNames
from rulecompiler.promql import same_meaning
from rulecompiler.promql.durations import milliseconds
from rulecompiler.render import render
from rulecompiler.scopes import Scope

Locate = Callable[[Place], Span]


class Sight(NamedTuple):
    """How places are found on both sides, and how the new side names alerts."""

    old: Locate
    new: Locate
    alert_names: AlertNames = "qualified"


def same(old: Item, new: Item) -> bool:
    """Whether Prometheus would see no difference; other spellings of one thing are none."""
    before, after = old.rule, new.rule
    return (
        before.kind == after.kind
        and before.name == after.name
        and old.file == new.file
        and old.group.name == new.group.name
        and before.labels == after.labels
        and _same_duration(before.for_, after.for_)
        and _same_duration(before.keep_firing_for, after.keep_firing_for)
        and _same_texts(before.annotations, after.annotations)
        and _same_duration(old.group.interval, new.group.interval)
        and (old.group.limit or 0) == (new.group.limit or 0)
        and _same_duration(old.group.query_offset, new.group.query_offset)
        and same_query(before.expr, after.expr)
    )


def same_query(old: str, new: str) -> bool:
    """Whether two queries have one syntax tree."""
    return old == new or same_meaning(old, new)


def field_changes(old: Item, new: Item, sight: Sight, *, identity: bool = True) -> tuple[FieldChange, ...]:
    """All that differs, most telling first. Without `identity` only what decides when an alert fires.

    The latter is for two rules of different groups, whose names and labels differ anyway.
    """
    found = list(_values(old, new))
    if not same_query(old.rule.expr, new.rule.expr) and not (found and _explained(old, new, sight)):
        found.append(("expr", "", old.rule.expr, new.rule.expr))
    if not any(field != "param" for field, *_ in found) and old.params == new.params:
        # Texts that take in what is no field of a rule, such as the group's labels.
        found += _annotations(old, new, said=False)
    if not identity:
        firing = ("param", "expr", "for", "keep_firing_for", "interval")
        found = [f for f in found if f[0] in firing or f[:2] == ("label", "severity")]
    found.sort(key=lambda f: (_ORDER.index(f[0]), f[1]))
    return tuple(_placed(f, old, new, sight) for f in found)


_ORDER: tuple[Field, ...] = (
    "kind", "param", "for", "keep_firing_for", "expr", "label", "annotation", "scope", "exclusions",
    "interval", "limit", "query_offset", "name", "group", "file",
)  # fmt: skip
_Difference = tuple[Field, str, str | None, str | None]


def _values(old: Item, new: Item) -> Iterator[_Difference]:
    """All fields but the query."""
    before, after = old.rule, new.rule
    yield from _mapping("param", old.params, new.params)
    for field, first, second in (
        ("for", before.for_, after.for_),
        ("keep_firing_for", before.keep_firing_for, after.keep_firing_for),
        ("interval", old.group.interval, new.group.interval),
        ("query_offset", old.group.query_offset, new.group.query_offset),
    ):
        if not _same_duration(first, second):
            yield field, "", first, second  # type: ignore[misc]
    if (old.group.limit or 0) != (new.group.limit or 0):
        yield "limit", "", _number(old.group.limit), _number(new.group.limit)
    yield from _labels(old, new)
    yield from _annotations(old, new, said=True)
    if old.assignment is not None and new.assignment is not None:
        if old.scope != new.scope:
            yield "scope", "", show_matchers(old.scope), show_matchers(new.scope)
        if old.exclusions != new.exclusions:
            yield (
                "exclusions",
                "",
                show_matchers(old.exclusions) or None,
                show_matchers(new.exclusions) or None,
            )
    if old.file != new.file:
        yield "file", "", old.file, new.file
    if old.group.name != new.group.name:
        yield "group", "", old.group.name, new.group.name
    if before.name != after.name:
        yield "name", "", before.name, after.name
    if before.kind != after.kind:
        yield "kind", "", before.kind, after.kind


def _annotations(old: Item, new: Item, *, said: bool) -> Iterator[_Difference]:
    """With `said` not those with other values in the same words: the values are told by themselves."""
    for name, first, second in _differing(old.rule.annotations, new.rule.annotations):
        words = old.written.get(("annotation", name)), new.written.get(("annotation", name))
        same_words = said and words[0] is not None and words[0] == words[1]
        if not same_words and _stripped(first) != _stripped(second):
            yield "annotation", name, first, second


def _labels(old: Item, new: Item) -> Iterator[_Difference]:
    scoped = {m.label for m in (*old.scope, *new.scope)} if old.scope != new.scope else set()
    for name, first, second in _differing(old.rule.labels, new.rule.labels):
        if name not in scoped:  # else the scope says it
            yield "label", name, first, second


def _mapping(field: Field, old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[_Difference]:
    for name, first, second in _differing(old, new):
        yield field, name, first, second


def _differing(
    old: Mapping[str, str], new: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)


def _explained(old: Item, new: Item, sight: Sight) -> bool:
    """Whether other values and targets alone make one query of the other: the new text with the old ones.

    These are told by themselves. What a text takes from its group is not, nor where a template puts a scope.
    """
    if old.assignment is None or new.assignment is None or old.facts is None or new.facts is None:
        return False
    rule, before = new.assignment.rule, old.assignment.rule
    words = new.written["expr", ""]
    form, known = rule.template, before.template
    if (
        old.written["expr", ""] == words
        and (form.scope, form.unscoped, form.params) == (known.scope, known.unscoped, known.params)
        and (old.facts == new.facts or "group" not in words)
    ):
        return True
    values = {name: before.params.get(name, value) for name, value in rule.params.items()}
    rendered = render(
        Assignment(rule._replace(params=values), old.scope, old.exclusions), new.facts, sight.alert_names
    )
    return rendered.rule is not None and same_query(old.rule.expr, rendered.rule.expr)


def _placed(found: _Difference, old: Item, new: Item, sight: Sight) -> FieldChange:
    field, key, first, second = found
    origin: tuple[str, str] = field, key
    if field == "group" and old.facts is not None and old.facts == new.facts:
        origin = "category", ""  # the other half of its name
    after, before = new.origins.get(origin), old.origins.get(origin)
    if field == "name":
        after, before = _origin_of_name(new, old), _origin_of_name(old, new)
    old_place = sight.old(before) if before is not None else None
    place = sight.new(after) if after is not None else old_place
    return FieldChange(field, key, first, second, place, old_place)


def _origin_of_name(item: Item, other: Item) -> Place | None:
    """Where the half of a rule's name stands in which two sides differ; None where it is in neither file."""
    if item.assignment is None or other.assignment is None:
        return item.origins.get(("name", ""))
    rule, known = item.assignment.rule, other.assignment.rule
    if rule.title == known.title:
        # Names without their group's are a matter of settings.
        return item.origins["group", ""] if item.facts != other.facts else None
    if item.key == other.key or item.rule.kind == "record":
        return rule.template.pointer(rule.template.kind)
    return rule.entry.key()


def resets(old: Item, new: Item) -> tuple[Reset, ...]:
    """Why an alert's state starts over, if it does.

    Prometheus keeps state by file, group name, alert name and the rule's labels. Source:
    prometheus/prometheus, rules/manager.go (groupKey) and rules/group.go (CopyState).
    """
    if new.rule.kind != "alert":
        return ()
    found: list[Reset] = []
    if old.file != new.file:
        found.append(Reset("file", "", old.file, new.file))
    if old.group.name != new.group.name:
        found.append(Reset("group", "", old.group.name, new.group.name))
    if old.rule.name != new.rule.name:
        found.append(Reset("name", "", old.rule.name, new.rule.name))
    found += [Reset("label", *each) for each in _differing(old.rule.labels, new.rule.labels)]
    return tuple(found)


def show_matchers(scope: Scope) -> str:
    """Matchers as a person reads them, without braces."""
    return ", ".join(f'{m.label}{m.op}"{m.value}"' for m in scope)


def _number(value: int | None) -> str | None:
    return str(value) if value else None


def _same_duration(old: str | None, new: str | None) -> bool:
    if old == new:
        return True
    return (milliseconds(old) if old else 0) == (milliseconds(new) if new else 0)


def _same_texts(old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    return old == new or (
        old.keys() == new.keys() and all(_stripped(old[k]) == _stripped(new[k]) for k in old)
    )


def _stripped(text: str | None) -> str | None:
    """Without the blanks at the ends of lines, which nobody sees."""
    return None if text is None else "\n".join(line.rstrip() for line in text.strip().splitlines())
