"""Changes that are alike put together, and edits with how far they reach."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from rulecompiler.diff.edits import Edit
from rulecompiler.diff.inline import parts
from rulecompiler.diff.model import Action, Cause, Counts, FieldChange, Fold, RuleChange

_LONG = 40  # characters from which on an annotation's change is shown within it
_WITH_GROUP = frozenset({"group added", "group removed", "abstract"})


def fold(changes: Sequence[RuleChange], alike: Mapping[int, Hashable]) -> tuple[Fold, ...]:
    """Folds, those that lose or reset something first, then the largest.

    `alike` gives, by a change's position, what its query's difference is apart from the group's scope.
    """
    found: dict[Hashable, list[RuleChange]] = {}
    for number, change in enumerate(changes):
        found.setdefault(_likeness(change, alike.get(number)), []).append(change)
    folds = [Fold((_shown(members[0]), *members[1:])) for members in found.values()]
    return tuple(sorted(folds, key=_rank))


def _likeness(change: RuleChange, query: Hashable) -> Hashable:
    by_rule = change.why not in _WITH_GROUP and change.action in (Action.ADD, Action.REMOVE)
    # Fields that hold the group's own names and targets differ from group to group for one reason.
    fields = tuple(
        (f.field, f.key, query) if f.field == "expr" else (f.field, f.key, f.old, f.new)
        for f in change.fields
        if f.field not in ("name",)
    )
    return (
        change.action,
        fields,
        tuple((r.what, r.key, "" if r.what == "name" else (r.old, r.new)) for r in change.resets),
        change.why,
        change.causes,
        change.rule.key if by_rule else "",
        change.rule.group_id if change.why in _WITH_GROUP else "",
        tuple((c.group_id, c.slice) for c in (*change.covered_by, *change.takes_over, *change.uncovered)),
        change.rule.kind,
    )


def _rank(fold: Fold) -> tuple[object, ...]:
    first = fold.example
    danger = 0 if first.is_lost else 1 if first.is_reset else 2
    order = (Action.REMOVE, Action.REPLACE, Action.CHANGE, Action.ADD)
    return danger, order.index(first.action), -len(fold.changes), first.rule.group_id, first.rule.key


def _shown(change: RuleChange) -> RuleChange:
    """With the inline diffs, which are costly and read in the example only."""
    return replace(change, fields=tuple(_with_parts(f) for f in change.fields))


def _with_parts(change: FieldChange) -> FieldChange:
    if change.old is None or change.new is None or change.field not in ("expr", "annotation"):
        return change
    if change.field == "annotation" and max(len(change.old), len(change.new)) < _LONG:
        return change
    return change._replace(parts=parts(change.old, change.new))


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
