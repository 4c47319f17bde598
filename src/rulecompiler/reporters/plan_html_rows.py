"""A compiled rule before and after, value by value, for the page of a plan; bounded in size and in time."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from rulecompiler.diff.inline import Inline
from rulecompiler.diff.model import Part, RuleAt, RuleChange
from rulecompiler.terminal import visible

_LONGEST = 4_000  # characters of one value
_MOST_VALUES = 120  # of one rule
_ROOM = 3_000_000  # characters of all values together
_SHORT = 12  # characters up to which two values are shown whole instead of what differs within


class Row(NamedTuple):
    """One value; on a side that lacks it, None. `same` where both sides are shown once."""

    name: str
    old: tuple[Part, ...] | None
    new: tuple[Part, ...] | None
    same: bool = False


def in_lines(text: str) -> str:
    """Somebody else's text with its line breaks, and nothing else that acts."""
    return "\n".join(visible(line) for line in text.split("\n"))


class Detail:
    """Makes the rows of one change after another until there is no room left."""

    def __init__(self) -> None:
        self._room = _ROOM
        self._inline = Inline()

    def rows(self, change: RuleChange) -> tuple[Row, ...] | None:
        """The values of both sides; None where the page would grow too large."""
        found = tuple(islice(self._rows(change), _MOST_VALUES))
        self._room -= sum(len(text) for row in found for side in (row.old, row.new) for _, text in side or ())
        return found if self._room >= 0 else None

    def _rows(self, change: RuleChange) -> Iterator[Row]:
        if self._room < 0:
            return
        old = {} if change.old is None else dict(_values(change.old))
        new = {} if change.new is None else dict(_values(change.new))
        for name in (*new, *(name for name in old if name not in new)):
            before, after = old.get(name), new.get(name)
            if before == after and before is not None:
                yield Row(name, (Part("=", _cut(before)),), None, same=True)
            elif before is None or after is None:
                yield Row(
                    name,
                    None if before is None else (Part("-" if change.new else "=", _cut(before)),),
                    None if after is None else (Part("+" if change.old else "=", _cut(after)),),
                )
            else:
                yield self._compared(name, before, after)

    def _compared(self, name: str, old: str, new: str) -> Row:
        before, after = _cut(old), _cut(new)
        if max(len(old), len(new)) <= _SHORT:
            return Row(name, (Part("-", before),), (Part("+", after),))
        found = self._inline.parts(before, after)
        return Row(name, tuple(p for p in found if p.op != "+"), tuple(p for p in found if p.op != "-"))


def _values(rule: RuleAt) -> Iterator[tuple[str, str]]:
    yield rule.kind, rule.name
    yield "expr", rule.expr.strip("\n")
    if rule.for_ is not None:
        yield "for", rule.for_
    if rule.keep_firing_for is not None:
        yield "keep_firing_for", rule.keep_firing_for
    for key in sorted(rule.labels):
        yield f"label {key}", rule.labels[key]
    for key in sorted(rule.annotations):
        yield f"annotation {key}", rule.annotations[key].strip("\n")
    yield "group", rule.group
    if rule.interval is not None:
        yield "interval", rule.interval
    yield "file", rule.file
    if rule.template:
        yield "template", rule.template


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}… {len(text) - _LONGEST:,} more characters"
