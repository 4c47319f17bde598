"""The history of a value: which level of the hierarchy set it, and what that overrode.

`resolve` keeps the last word alone, as a compile needs no more. Here the same precedence is followed
again, one value at a time, and every word is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from rulecompiler.decode import matchers
from rulecompiler.diagnostics import Pointer
from rulecompiler.model import Group, Matcher, Template

Level = Literal[
    "template",
    "group params",
    "group labels",
    "group",
    "group scope",
    "rule entry",
    "other rule",
    "compiler",
]


class Layer(NamedTuple):
    """One word on a value: `value` as it is written, None for a `null`; `group` is empty for a template."""

    value: Any
    level: Level
    group: str
    place: Pointer


class Origin(NamedTuple):
    """The word that counts, and those that it overrode, the nearest first.

    `source` is None where nobody set a value. `reset` is the `null` that gave the word back to a
    lower level, if one did.
    """

    source: Layer | None
    overrode: tuple[Layer, ...] = ()
    reset: Layer | None = None


class Entries:
    """What the groups of a chain, root first, write under one rule's key."""

    def __init__(self, chain: Iterable[Group], key: str) -> None:
        self._chain = tuple(chain)
        self._written = [
            (group, group.rules[key], group.pointer("rules", key))
            for group in self._chain
            if key in group.rules
        ]

    def param(self, template: Template, name: str) -> Origin:
        """Where a parameter's value comes from."""
        param = template.params[name]
        base = None
        if not param.required:
            base = Layer(param.default, "template", "", template.pointer("params", name, "default"))
        wide = [
            Layer(group.params[name], "group params", group.id, group.pointer("params", name))
            for group in self._chain
            if name in group.params
        ]
        return _history(base, wide, self._nested("params", name))

    def label(self, template: Template, name: str) -> Origin:
        """Where the text of a label comes from, before the compiler's own labels."""
        wide = [
            Layer(group.labels[name], "group labels", group.id, group.pointer("labels", name))
            for group in self._chain
            if name in group.labels
        ]
        return _history(_text_of(template, "labels", name), wide, self._nested("labels", name))

    def annotation(self, template: Template, name: str) -> Origin:
        """Where the text of an annotation comes from."""
        return _history(_text_of(template, "annotations", name), (), self._nested("annotations", name))

    def duration(self, template: Template, key: Literal["for", "keep_firing_for"]) -> Origin:
        """Where `for` or `keep_firing_for` comes from."""
        text = template.for_ if key == "for" else template.keep_firing_for
        base = None if text is None else Layer(text, "template", "", template.pointer(key))
        return _history(base, (), self._own(key))

    def setting(self, key: str) -> Origin:
        """Where `interval`, `limit` or `query_offset` comes from."""
        layers = [
            Layer(group.settings[key], "group", group.id, group.pointer(key))
            for group in self._chain
            if key in group.settings
        ]
        return _history(None, layers, ())

    def entry(self, key: str) -> Origin:
        """Where `name`, `template`, `enabled`, `where` or `instead_of` of the entry comes from."""
        return _history(None, (), self._own(key, reset_by_empty=key == "enabled"))

    def slice(self) -> Iterator[tuple[Matcher, Origin]]:
        """Each matcher of the rule's `where`, and where it comes from."""
        origin = self.entry("where")
        if origin.source is None:
            return
        for matcher in matchers(origin.source.value):
            source = origin.source._replace(
                value=origin.source.value[matcher.label], place=origin.source.place.at(matcher.label)
            )
            yield matcher, origin._replace(source=source)

    def _own(self, key: str, *, reset_by_empty: bool = True) -> list[Layer]:
        """What the entries say of a plain key. An entry that is `null` takes back most of what was said."""
        found: list[Layer] = []
        for group, written, place in self._written:
            if written is None:
                if reset_by_empty and found:
                    found.append(Layer(None, "rule entry", group.id, place))
            elif key in written:
                found.append(Layer(written[key], "rule entry", group.id, place.at(key)))
        return found

    def _nested(self, field: str, name: str) -> list[Layer | None]:
        """The same of a key below `params`, `labels` or `annotations`; None where all below is forgotten."""
        found: list[Layer | None] = []
        for group, written, place in self._written:
            if written is None or (field in written and written[field] is None):
                found.append(None)
            elif name in (written.get(field) or {}):
                found.append(Layer(written[field][name], "rule entry", group.id, place.at(field, name)))
        return found


def _text_of(template: Template, field: Literal["labels", "annotations"], name: str) -> Layer | None:
    texts: Mapping[str, str] = getattr(template, field)
    if name not in texts:
        return None
    return Layer(texts[name], "template", "", template.pointer(field, name))


def _history(base: Layer | None, wide: Iterable[Layer], own: Iterable[Layer | None]) -> Origin:
    """The last word wins; a `null` gives the word back to the template.

    A None among the entries' own words forgets them, so that the group-wide one counts again.
    """
    forgotten: list[Layer] = []
    kept: list[Layer] = []
    for layer in own:
        if layer is None:
            forgotten += kept
            kept = []
        else:
            kept.append(layer)
    words = [*wide, *kept]
    overrode = [*reversed(words[:-1]), *reversed(forgotten)]
    if not words:
        return Origin(base, tuple(overrode))
    last = words[-1]
    if last.value is None:
        return Origin(base, tuple(overrode), last)
    if base is not None:
        overrode.append(base)
    return Origin(last, tuple(overrode))
