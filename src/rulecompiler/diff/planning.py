"""From two sides to a plan: only groups whose inputs differ are compiled, and on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.diff.blame import Blame
from rulecompiler.diff.comparing import Compared, Comparer, incomparable, located, rule_at
from rulecompiler.diff.edits import Edit, by_path
from rulecompiler.diff.fields import field_changes
from rulecompiler.diff.folding import Likeness, causes, count, fold
from rulecompiler.diff.handover import Holder, Holders
from rulecompiler.diff.items import Item
from rulecompiler.diff.judging import declared, whole_faults
from rulecompiler.diff.matching import renamed_groups
from rulecompiler.diff.model import Action, Cover, FieldChange, Incomparable, Plan, RuleChange, Why
from rulecompiler.diff.sides import Side

Mapper = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
"""`map` over many items, perhaps by several processes."""


def plan(old: Side, new: Side, edited: Sequence[Edit], mapper: Mapper) -> Plan:
    """What changes from the old side to the new one."""
    work = _sort_out(old, new)
    edited = _with_renames(old, new, edited, work.pairs)
    files = by_path(edited)
    comparer = Comparer(old, new, Blame(old, new, files))
    counted: list[_Counted] = mapper(_Counter(new), work.same)
    compared = _without_hearsay(mapper(comparer.compare, work.pairs))
    broken = [*work.broken, *(c.broken for c in compared if c.broken is not None)]
    broken += [incomparable(c.group_id, c.fault, c.fault) for c in counted if c.fault is not None]
    changes = [change for c in compared for change in c.changes]
    likeness: dict[int, Likeness] = dict(enumerate(like for c in compared for like in c.likeness))
    partners = {old_id: new_id for old_id, new_id in work.pairs if old_id and new_id}
    changes += _Comings(comparer, files, partners).changes(compared)
    order = sorted(range(len(changes)), key=lambda n: _order(changes[n]))
    likeness = {place: likeness[n] for place, n in enumerate(order) if n in likeness}
    changes = [changes[n] for n in order]
    folds = fold(changes, likeness)
    reached = causes(changes, files)
    faults = _faults(old, new, compared, counted)
    touching = {cause.path for cause in reached} | _unknown(old, new, broken)
    return Plan(
        old.name,
        new.name,
        tuple(sorted((change for each in folds for change in each.changes), key=_order)),
        folds,
        reached,
        count(changes, sum(c.unchanged for c in compared) + sum(c.rules for c in counted)),
        tuple(sorted(broken, key=lambda b: b.group_id)),
        {"base": faults[0], "head": faults[1]},
        tuple(sorted(edit.path for edit in edited if not touching & {edit.path, edit.old_path})),
    )


def _without_hearsay(compared: list[Compared]) -> list[Compared]:
    """Without groups whose targets change hands with a group that does not compile on one of the sides.

    A broken rule takes no targets, so that the group around it would seem to lose or gain them.
    """
    broken = {each.broken.group_id: each.broken for each in compared if each.broken is not None}
    if not broken:
        return compared
    found: list[Compared] = []
    for each in compared:
        known = next((broken[g] for c in each.changes for g in partners(c) if g in broken), None)
        if known is None:
            found.append(each)
            continue
        unknown = Incomparable(each.changes[0].rule.group_id, known.sides, known.diagnostic)
        found.append(each._replace(changes=(), likeness=(), gone=(), added=(), unchanged=0, broken=unknown))
    return found


def partners(change: RuleChange) -> Iterator[str]:
    """The groups with which a rule's targets change hands."""
    for cover in (*change.covered_by, *change.takes_over, *change.uncovered, *change.regained):
        yield cover.group_id


def _with_renames(
    old: Side, new: Side, edited: Sequence[Edit], pairs: Iterable[tuple[str, str]]
) -> tuple[Edit, ...]:
    """The edits, where a group that goes on under another id is a renamed file, not one gone and one new."""
    renamed = {
        new.forest.groups[after].path: old.forest.groups[before].path
        for before, after in pairs
        if before and after and before != after
    }
    lost = {edit.path for edit in edited if edit.status == "removed"} & set(renamed.values())
    found: list[Edit] = []
    for edit in edited:
        origin = renamed.get(edit.path, "")
        if edit.status == "added" and origin in lost:
            found.append(edit._replace(status="renamed", old_path=origin))
        elif edit.status != "removed" or edit.path not in lost:
            found.append(edit)
    return tuple(found)


def _unknown(old: Side, new: Side, broken: Iterable[Incomparable]) -> set[str]:
    """The files of which nobody can say whether they change something."""
    found: set[str] = set()
    for each in broken:
        if each.diagnostic is not None and each.diagnostic.place is not None:
            found.add(each.diagnostic.place.path)
        for side in (old, new):
            if each.group_id in side.forest.groups:
                found |= {*side.files(each.group_id), *side.templates_of(each.group_id)}
    return found


def _order(change: RuleChange) -> tuple[str, ...]:
    rule = change.rule
    return rule.group_id, rule.key, rule.name, rule.group, change.action.value


class _Work(NamedTuple):
    same: list[str]
    pairs: list[tuple[str, str]]
    broken: list[Incomparable]


def _sort_out(old: Side, new: Side) -> _Work:
    """Which groups need no compile, which are to be compared with which, and which cannot be."""
    work = _Work([], [], [])
    unreadable = old.broken_groups | new.broken_groups
    gone, added = [], []
    for group_id in sorted({*old.forest.groups, *new.forest.groups} | unreadable):
        # A neighbour that could not be read might have taken targets from it.
        members = {group_id}
        if unreadable:
            members |= old.members(group_id) | new.members(group_id)
        sides = [_fault(side, group_id, members) for side in (old, new)]
        is_old, is_new = group_id in old.forest.groups, group_id in new.forest.groups
        if any(fault is not None for fault in sides):
            work.broken.append(incomparable(group_id, *sides))
        elif not is_old:
            added.append(new.forest.groups[group_id])
        elif not is_new:
            gone.append(old.forest.groups[group_id])
        elif old.key(group_id) == new.key(group_id):
            work.same.append(group_id)
        else:
            work.pairs.append((group_id, group_id))
    renamed = renamed_groups((g for g in gone if not g.abstract), (g for g in added if not g.abstract))
    work.pairs.extend((renamed.get(group.id, ""), group.id) for group in added)
    taken = set(renamed.values())
    work.pairs.extend((group.id, "") for group in gone if group.id not in taken)
    return work


def _fault(side: Side, group_id: str, members: set[str]) -> Diagnostic | None:
    """Why a group cannot be compared, as far as that is known before it is compiled."""
    unreadable = members & side.broken_groups
    if not unreadable and not (group_id in side.forest.groups and side.is_doubtful(group_id)):
        return None
    errors = [fault for fault in side.diagnostics if fault.severity is Severity.ERROR]
    if unreadable:
        of_them = tuple(f"/{member}." for member in sorted(unreadable))
        errors.sort(key=lambda f: not (f.place is not None and any(name in f.place.path for name in of_them)))
    # A file that cannot be read says why; without that, a group would not be unreadable.
    return located(errors[0], side.locate)


class _Counted(NamedTuple):
    group_id: str
    rules: int
    fault: Diagnostic | None = None  # the first error
    faults: tuple[Diagnostic, ...] = ()  # with those beside it
    declared: tuple[str, ...] = ()


class _Counter:
    """Counts a group's rules without compiling them."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def __call__(self, group_id: str) -> _Counted:
        compiler = self._side.compiler
        resolved = compiler.resolver.resolve(group_id)
        assignments, faults = compiler.coverage.assignments(group_id)
        found = (*resolved.diagnostics, *faults)
        error = next((fault for fault in found if fault.severity is Severity.ERROR), None)
        if error is not None:
            return _Counted(group_id, 0, located(error, self._side.locate), found)
        return _Counted(group_id, len(assignments), declared=declared(self._side, group_id))


class _Comings:
    """Rules that only one side has: why they come or go, and who covers their targets on the other side."""

    def __init__(self, comparer: Comparer, files: Mapping[str, Edit], partners: Mapping[str, str]) -> None:
        self._old, self._new, self._sight = comparer.old, comparer.new, comparer.sight
        self._blame = Blame(comparer.old, comparer.new, files)
        self._holders = Holders(comparer.old), Holders(comparer.new)
        self._partners = partners
        self._origins = {new_id: old_id for old_id, new_id in partners.items()}

    def changes(self, compared: Iterable[Compared]) -> list[RuleChange]:
        found: list[RuleChange] = []
        for each in compared:
            gone = {item.key for item in each.gone}
            added = {item.key for item in each.added}
            found += [self._gone(item, item.key in added) for item in each.gone]
            found += [self._added(item, item.key in gone) for item in each.added]
        return found

    def _gone(self, item: Item, other_kind: bool) -> RuleChange:
        holders = self._holders[1].of(item) if not other_kind else ()
        why = self._why(self._new, self._partners.get(item.group_id, item.group_id), item, going=True)
        fields: tuple[FieldChange, ...] = ()
        whole = next((h.item for h in holders if h.item is not None), None)
        if whole is not None:
            fields = field_changes(item, whole, self._sight, identity=False)
        guilty, direct = self._blame.of(item, None, (), [holder.path for holder in holders])
        return RuleChange(
            Action.REMOVE,
            rule_at(item, self._sight.old),
            None,
            fields,
            why="kind changed" if other_kind else why,
            covered_by=_covers(holders),
            causes=guilty,
            direct=direct,
        )

    def _added(self, item: Item, other_kind: bool) -> RuleChange:
        holders = self._holders[0].of(item) if not other_kind else ()
        origin = self._origins.get(item.group_id, item.group_id)
        fields: tuple[FieldChange, ...] = ()
        whole = next((h.item for h in holders if h.item is not None), None)
        if whole is not None:
            fields = field_changes(whole, item, self._sight, identity=False)
        guilty, direct = self._blame.of(None, item, (), [holder.path for holder in holders])
        return RuleChange(
            Action.ADD,
            None,
            rule_at(item, self._sight.new),
            fields,
            why="kind changed" if other_kind else self._why(self._old, origin, item, going=False),
            takes_over=_covers(holders),
            causes=guilty,
            direct=direct,
        )

    def _why(self, side: Side, group_id: str, item: Item, *, going: bool) -> Why:
        """What the other side, which lacks the rule, says about it."""
        group = side.forest.groups.get(group_id)
        if group is None:
            return "group removed" if going else "group added"
        if group.abstract:
            return "abstract"
        rule = side.compiler.resolver.resolve(group_id).rules.get(item.key)
        if rule is None:
            return "entry removed" if going else "entry added"
        if not rule.enabled:
            return "disabled" if going else "enabled"
        return "covered"


def _covers(holders: Iterable[Holder]) -> tuple[Cover, ...]:
    return tuple(sorted(holder.cover for holder in holders))


def _faults(
    old: Side, new: Side, compared: Iterable[Compared], counted: Iterable[_Counted]
) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """All faults of both sides."""
    before = {c.group_id: c.declared for c in counted}
    after = dict(before)
    alike = [fault for c in counted for fault in c.faults]
    parts = list(alike), alike
    for each in compared:
        before.update(each.old_declared)
        after.update(each.new_declared)
        parts[0].extend(each.old_faults)
        parts[1].extend(each.new_faults)
    return (
        _all_faults(old, (*parts[0], *whole_faults(old, before, parts[0]))),
        _all_faults(new, (*parts[1], *whole_faults(new, after, parts[1]))),
    )


def _all_faults(side: Side, compiled: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(dict.fromkeys(located(fault, side.locate) for fault in (*side.diagnostics, *compiled)))
