"""Changes that are alike put together, and edits with how far they reach."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from rulecompiler.diff.edits import Edit
from rulecompiler.diff.inline import Inline
from rulecompiler.diff.model import Action, Cause, Counts, FieldChange, Fold, RuleChange

_LONG = 40  # characters from which on an annotation's change is shown within it
_FEW = 5  # rules of one group that come or go and are shown each by itself
_OF_GROUP = frozenset({"name", "group"})  # these hold the group's own name: they differ for one reason
_WITH_GROUP = frozenset({"group added", "group removed", "abstract"})


Likeness = tuple[tuple[str, str, Hashable], ...]
"""Fields by name and key, each with what makes two differences in it one, whatever the values are."""


def fold(
    changes: Sequence[RuleChange], alike: Mapping[int, Likeness] = MappingProxyType({})
) -> tuple[Fold, ...]:
    """Folds, those that lose or reset something first, then the largest.

    `alike` gives, by a change's position, what its texts' differences are apart from the group's own part.
    """
    found: dict[Hashable, list[RuleChange]] = {}
    for number, change in enumerate(changes):
        found.setdefault(_likeness(change, alike.get(number, ())), []).append(change)
    inline = Inline()
    folds = [Fold((_shown(members[0], inline), *members[1:])) for members in _crowds(found.values())]
    return tuple(sorted(folds, key=_rank))


def _crowds(found: Iterable[list[RuleChange]]) -> Iterator[list[RuleChange]]:
    """The folds, but of a group with many rules that come or go one by one, all of these together."""
    alone: dict[Hashable, list[RuleChange]] = {}
    for members in found:
        first = members[0]
        if len(members) > 1 or first.fields or first.action not in (Action.ADD, Action.REMOVE):
            yield members
        else:
            same = first.action, first.rule.group_id, first.rule.kind, first.why, first.causes, _hands(first)
            alone.setdefault(same, []).append(first)
    for members in alone.values():
        if len(members) > _FEW:
            yield members
        else:
            yield from ([each] for each in members)


def _hands(change: RuleChange) -> tuple[tuple[str, str], ...]:
    hands = (*change.covered_by, *change.takes_over, *change.uncovered, *change.regained)
    return tuple((cover.group_id, cover.slice) for cover in hands)


def _likeness(change: RuleChange, alike: Likeness) -> Hashable:
    written = {(field, key): said for field, key, said in alike}
    by_rule = change.why not in _WITH_GROUP and change.action in (Action.ADD, Action.REMOVE)
    return (
        change.action,
        tuple(_field(f, written) for f in change.fields),
        tuple((r.what, r.key, "" if r.what in _OF_GROUP else (r.old, r.new)) for r in change.resets),
        change.why,
        change.causes,
        change.rule.key if by_rule else "",
        change.rule.group_id if change.why in _WITH_GROUP else "",
        _hands(change),
        change.rule.kind,
    )


def _field(change: FieldChange, written: Mapping[tuple[str, str], Hashable]) -> Hashable:
    if change.field in _OF_GROUP:
        return change.field
    # What a group's own values and targets make of a text does not make it another edit.
    said = written.get((change.field, change.key), (change.old, change.new))
    return change.field, change.key, said


def _rank(fold: Fold) -> tuple[object, ...]:
    first = fold.example
    danger = 0 if first.is_lost else 1 if first.is_reset else 2
    order = (Action.REMOVE, Action.REPLACE, Action.CHANGE, Action.ADD)
    return danger, order.index(first.action), -len(fold.changes), first.rule.group_id, first.rule.key


def _shown(change: RuleChange, inline: Inline) -> RuleChange:
    """With the inline diffs, which are costly and read in the example only."""
    return replace(change, fields=tuple(_with_parts(f, inline) for f in change.fields))


def _with_parts(change: FieldChange, inline: Inline) -> FieldChange:
    if change.old is None or change.new is None or change.field not in ("expr", "annotation"):
        return change
    if change.field == "annotation" and max(len(change.old), len(change.new)) < _LONG:
        return change
    return change._replace(parts=inline.parts(change.old, change.new))


def causes(changes: Iterable[RuleChange], edited: Mapping[str, Edit]) -> tuple[Cause, ...]:
    """The edits that change rules, the widest first."""
    groups: dict[str, set[str]] = {}
    rules: dict[str, int] = {}
    direct: dict[str, int] = {}
    for change in changes:
        for path in change.causes:
            groups.setdefault(path, set()).add(change.rule.group_id)
            rules[path] = rules.get(path, 0) + 1
            direct[path] = direct.get(path, 0) + change.direct
    found = [
        Cause(e.path, e.kind, e.status, e.old_path, len(groups[e.path]), rules[e.path], direct[e.path])
        for e in dict.fromkeys(edited.values())
        if e.path in groups
    ]
    return tuple(sorted(found, key=lambda c: (-c.rules, c.path)))


def count(changes: Iterable[RuleChange], unchanged: int) -> Counts:
    """Rules by what becomes of them."""
    found = list(changes)
    by_action = {action: sum(change.action is action for change in found) for action in Action}
    return Counts(
        by_action[Action.ADD],
        by_action[Action.CHANGE],
        by_action[Action.REMOVE],
        by_action[Action.REPLACE],
        unchanged,
        sum(change.action is Action.REMOVE and change.is_covered for change in found),
        sum(change.is_reset for change in found),
        sum(change.is_lost for change in found),
    )
