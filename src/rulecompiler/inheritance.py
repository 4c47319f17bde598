"""The layers that groups hand down: each group's own values over its ancestors'.

What a group does not touch stays the parent's very object, so that identity means "unchanged".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Pointer
from rulecompiler.model import Group


class Sourced(NamedTuple):
    """A value and the place it was written at."""

    value: Any
    origin: Pointer


Values = Mapping[str, Sourced]


class Policy(NamedTuple):
    """What a group hands down: merged layers, before they meet the templates."""

    wide: Values
    labels: Values
    entries: Mapping[str, Values]
    settings: Values


NOTHING = Policy({}, {}, {}, {})
_NESTED = ("params", "labels", "annotations")
_IDENTITY = ("name", "template", "where", "instead_of")


def inherit(above: Policy, group: Group) -> Policy:
    """The parent's layers with the group's own on top."""
    wide = _merge(above.wide, group.params, group.pointer("params"), drop_null=True)
    labels = _merge(above.labels, group.labels, group.pointer("labels"), drop_null=False)
    entries = above.entries
    if group.rules:
        entries = {**above.entries}
        for name, written in group.rules.items():
            entries[name] = _merge_entry(above.entries.get(name), written, group.pointer("rules", name))
    settings = _merge(above.settings, group.settings, Pointer(group.path), drop_null=True)
    return Policy(wide, labels, entries, settings)


def _merge(below: Values, over: Mapping[str, Any], place: Pointer, *, drop_null: bool) -> Values:
    """Key by key; the very object below where nothing is written."""
    if not over:
        return below
    merged = dict(below)
    for key, value in over.items():
        if value is None and drop_null:
            merged.pop(key, None)
        else:
            merged[key] = Sourced(value, place.at(key))
    return merged


def _merge_entry(below: Values | None, over: Mapping[str, Any] | None, place: Pointer) -> Values:
    """A rule's entry over the inherited one; nested mappings hold a `Sourced` for each key."""
    entry: dict[str, Sourced] = dict(below or {})
    entry["entry"] = Sourced(None, place)
    if over is None:
        return {key: value for key, value in entry.items() if key in (*_IDENTITY, "entry")}
    for key, value in over.items():
        if key in _NESTED and value is not None:
            inherited = entry[key].value if key in entry else {}
            nested = _merge(inherited, value, place.at(key), drop_null=False)
            entry[key] = Sourced(nested, place.at(key))
        elif value is None:
            entry.pop(key, None)
        else:
            entry[key] = Sourced(value, place.at(key))
    return entry


def overlay(base: Values, wide: Values, own: Sourced | None) -> Values:
    """A template's labels or annotations under a group's; a `null` gives the template's back."""
    if not wide and own is None:
        return base
    merged = dict(base)
    merged.update([(k, v) for k, v in wide.items() if v.value is not None])
    if own is not None:
        for key, sourced in own.value.items():
            if sourced.value is not None:
                merged[key] = sourced
            elif key in base:
                merged[key] = base[key]
            else:
                merged.pop(key, None)
    return merged
