"""A plan on a terminal: each kind of change once, the dangerous ones first, and one line that sums it up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rulecompiler.diagnostics import Place, Span
from rulecompiler.diff.model import Action, Cover, FieldChange, Fold, Part, Plan, RuleChange, SideName
from rulecompiler.terminal import Painter, visible

_MOST_NAMES = 5
_MOST_FOLDS = 40  # of changes that neither lose nor reset anything
_CONTEXT = 24  # characters of a query that stay on either side of what differs
_LONGEST = 200
_STYLES = {Action.ADD: "green", Action.CHANGE: "warning", Action.REMOVE: "red", Action.REPLACE: "red"}
_WHY = {
    "group added": "the group is new",
    "group removed": "the group is gone",
    "entry added": "",
    "entry removed": "nothing asks for it any more",
    "disabled": "it is disabled",
    "enabled": "it is enabled",
    "abstract": "the group is or was abstract",
    "covered": "the group has it still",
    "kind changed": "it is of another kind",
}


def as_text(plan: Plan, paint: Painter, *, full: bool = False) -> str:
    """The plan as lines; with `full` nothing is left out."""
    lines = [f"{_side(plan.base)} → {_side(plan.head)}", ""]
    dangerous = [f for f in plan.folds if f.example.is_lost or f.example.is_reset]
    rest = [f for f in plan.folds if not (f.example.is_lost or f.example.is_reset)]
    shown = rest if full else rest[:_MOST_FOLDS]
    for fold in (*dangerous, *shown):
        lines += [*_fold(fold, paint, full), ""]
    if len(shown) < len(rest):
        left = rest[len(shown) :]
        number = sum(len(fold.changes) for fold in left)
        lines += [f"… and {number:,} more rules in {len(left):,} more kinds of change; --full shows them", ""]
    if plan.causes:
        listed = plan.causes if full else plan.causes[:10]
        lines += [f"{visible(cause.sentence)}{_indirect(cause.direct, cause.rules)}" for cause in listed]
        if len(listed) < len(plan.causes):
            lines.append(f"… and {len(plan.causes) - len(listed):,} more edited files")
    if plan.untouched_edits:
        lines.append(f"no rule changes by the edits of {_names(plan.untouched_edits, full)}")
    if plan.causes or plan.untouched_edits:
        lines.append("")
    for each in plan.incomparable:
        sides = " and ".join(each.sides)
        lines.append(
            paint(f"? {visible(each.group_id)}: not compared, as its {sides} does not compile", "red")
        )
    if plan.incomparable:
        lines.append("")
    return "\n".join([*lines, paint(plan.summary, "bold"), *_dangers(plan, paint)]) + "\n"


def _dangers(plan: Plan, paint: Painter) -> Iterator[str]:
    counts = plan.counts
    if counts.lost:
        yield paint(
            f"{_plural(counts.lost, 'rule')} that nothing covers any more, for some targets or all", "red"
        )
    if counts.resets:
        yield paint(f"{_plural(counts.resets, 'alert')} whose pending and firing state starts over", "red")
    if counts.covered:
        yield f"{_plural(counts.covered, 'removed rule')} covered by another one: no loss"


def _side(name: SideName) -> str:
    commit = f" ({name.commit[:9]})" if name.commit else ""
    note = f", {name.note}" if name.note else ""
    return visible(f"{name.label}{commit}{note}")


def _fold(fold: Fold, paint: Painter, full: bool) -> Iterator[str]:
    change = fold.example
    why = _WHY.get(change.why, "")
    symbol = paint(change.action.symbol, _STYLES[change.action])
    yield f"{symbol} {paint(_subject(fold, full), 'bold')}{f': {why}' if why else ''}"
    for each in change.fields:
        # What starts an alert over is told with the reason.
        if not any((r.what, r.key) == (each.field, each.key) for r in change.resets):
            yield f"    {_field(each, paint)}"
    for reset in change.resets:
        place = next((f.place for f in change.fields if (f.field, f.key) == (reset.what, reset.key)), None)
        yield f"    {paint('starts over', 'red')}: {visible(_short(reset.sentence))}{_at(place, paint)}"
    yield from (f"    {line}" for line in _handovers(change, paint))
    causes = [path for path in change.causes if not any(_is_in(f.place, path) for f in change.fields)]
    if causes:
        yield paint(f"    because of {_names(causes, full)}", "dim")


def _handovers(change: RuleChange, paint: Painter) -> Iterator[str]:
    for cover in change.uncovered:
        yield paint(f"nobody covers {_slice(cover)} any more: disabled in {visible(cover.group_id)}", "red")
    for cover in change.covered_by:
        loss = ": no loss" if change.action is Action.REMOVE and not cover.slice else ""
        yield f"{_slice(cover)} covered by {visible(cover.group_id)}/{visible(cover.key)} now{loss}"
    for cover in change.takes_over:
        yield f"{_slice(cover)} covered by {visible(cover.group_id)}/{visible(cover.key)} before"
    if change.action is Action.REMOVE and change.is_lost:
        yield paint("nothing else covers its targets" if not change.covered_by else "the rest is lost", "red")


def _slice(cover: Cover) -> str:
    return visible(f"{{{cover.slice}}}") if cover.slice else "all its targets"


def _subject(fold: Fold, full: bool) -> str:
    groups, keys = fold.group_ids, fold.keys
    if len(fold.changes) == 1:
        rule = fold.example.rule
        called = "" if rule.name == rule.key else f" ({rule.name})"
        return visible(f"{rule.group_id}/{rule.key}{called}")
    if len(keys) == 1:
        return f"{visible(keys[0])} in {len(groups):,} groups: {_names(groups, full)}"
    if len(groups) == 1:
        return f"{len(fold.changes):,} rules of {visible(groups[0])}: {_names(keys, full)}"
    rules = f"{len(fold.changes):,} rules ({_names(keys, full)})"
    return f"{rules} in {len(groups):,} groups: {_names(groups, full)}"


def _field(change: FieldChange, paint: Painter) -> str:
    place = _at(change.place, paint)
    if change.parts:
        return f"{change.label} {''.join(_pieces(change.parts, paint))}{place}"
    old = "(none)" if change.old is None else _short(change.old)
    new = "(none)" if change.new is None else _short(change.new)
    return f"{visible(change.label)} {paint(visible(old), 'red')} → {paint(visible(new), 'green')}{place}"


def _pieces(parts: Iterable[Part], paint: Painter) -> Iterator[str]:
    """An inline diff; without colour as wdiff has it. What stays is cut to what is near a change."""
    members = list(parts)
    for number, (op, text) in enumerate(members):
        text = visible(" ".join(text.split()))
        if op == "=":
            head = text[:_CONTEXT] if number else ""
            tail = text[-_CONTEXT:] if number < len(members) - 1 else ""
            cut = text if len(text) <= len(head) + len(tail) + 3 else f"{head}…{tail}"
            yield f"{' ' if number else ''}{cut}{' ' if number < len(members) - 1 else ''}"
        elif op == "-":
            yield paint(f"[-{_short(text)}-]", "red")
        else:
            yield paint(f"{{+{_short(text)}+}}", "green")


def _at(place: Place | None, paint: Painter) -> str:
    return paint(f"  {visible(place.path)}:{place.line}", "dim") if isinstance(place, Span) else ""


def _is_in(place: Span | None, path: str) -> bool:
    return place is not None and place.path == path


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _names(names: Iterable[str], full: bool) -> str:
    found = list(names)
    if full or len(found) <= _MOST_NAMES:
        return visible(", ".join(found))
    return visible(", ".join(found[: _MOST_NAMES - 1])) + f" and {len(found) - _MOST_NAMES + 1:,} more"


def _indirect(direct: int, rules: int) -> str:
    return f" ({rules - direct:,} of them indirectly)" if 0 < direct < rules else ""


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
