"""What the reports of a plan say in the same words, whatever they look like.

Texts of a plan come from strangers' files. Every function that puts one into a sentence takes `show`, which
makes it harmless in the report's format and sets it as the format sets names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic, Severity, Span
from rulecompiler.diff.model import (
    Action,
    Cause,
    Cover,
    FieldChange,
    Fold,
    Incomparable,
    Part,
    Plan,
    Reset,
    RuleChange,
    SideKey,
    SideName,
)

Show = Callable[[str], str]

MOST_NAMES = 5
_WHY = {
    "group added": "the group is new",
    "group removed": "the group is gone",
    "entry added": "",
    "entry removed": "nothing asks for it any more",
    "disabled": "it is disabled",
    "enabled": "it is enabled",
    "covered": "",
    "kind changed": "it is of another kind",
    "": "",
}
LOST = "nobody covers their targets any more, all or some of them"
STARTS_OVER = "what is pending or firing is forgotten and begins anew"
HANDED_OVER = "the targets go on being covered, by another rule; an alert that fires for them starts over"
UNKNOWN = "in no count, and nobody knows whether it changes"
_CONTEXT = 24  # characters of a query that stay on either side of what differs
LONGEST = 200
"""Characters of a value that a line of a report repeats."""


class Sorted(NamedTuple):
    """The folds of a plan, each once: by what is worst about it."""

    lost: tuple[Fold, ...]
    reset: tuple[Fold, ...]
    handed_over: tuple[Fold, ...]
    other: tuple[Fold, ...]


class Line(NamedTuple):
    """A sentence about a change, and whether it tells of a loss."""

    text: str
    is_loss: bool = False


def sorted_by_danger(plan: Plan) -> Sorted:
    """Losses first, then what starts over, then coverage that changes hands."""
    kinds: tuple[list[Fold], ...] = ([], [], [], [])
    for fold in plan.folds:
        change = fold.example
        handed = bool(change.covered_by or change.takes_over)
        kinds[0 if change.is_lost else 1 if change.is_reset else 2 if handed else 3].append(fold)
    return Sorted(*(tuple(kind) for kind in kinds))


def why(change: RuleChange) -> str:
    """Why a rule comes or goes; empty where the sign or a line about its targets says it."""
    if change.why == "abstract":
        return "the group is abstract now" if change.new is None else "the group is abstract no more"
    return _WHY[change.why]


def number_of_rules(folds: Iterable[Fold]) -> int:
    """How many rules these are."""
    return sum(len(fold.changes) for fold in folds)


def plural(number: int, noun: str) -> str:
    """`1 rule`, `2,000 rules`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def counted(number: int, noun: str) -> str:
    """Of a noun with words behind it: `2 alerts that start over`, `2 rules lost`."""
    if number == 1:
        return f"1 {noun}"
    one, _, rest = noun.partition(" ")
    rest = rest.replace("that starts", "that start").replace("that changes", "that change")
    if one == "kind":
        rest = "of change"
    return f"{number:,} {one}s{f' {rest}' if rest else ''}"


def short(text: str, longest: int = LONGEST) -> str:
    """On one line, and not longer than this."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def names(found: Iterable[str], show: Show, most: int = MOST_NAMES) -> str:
    """`a, b and 3 more`."""
    every = list(found)
    if len(every) <= most:
        return ", ".join(map(show, every))
    kept = max(most - 1, 1)
    return f"{', '.join(map(show, islice(every, kept)))} and {len(every) - kept:,} more"


def side(name: SideName, show: Show) -> str:
    """What was compared, such as `main (31b6072d6), merge base of HEAD and main`."""
    commit = f" ({show(name.commit[:9])})" if name.commit else ""
    note = f", {show(name.note)}" if name.note else ""
    return f"{show(name.label)}{commit}{note}"


def subject(fold: Fold, show: Show, most: int = MOST_NAMES) -> str:
    """Which rules of which groups a fold is about."""
    groups, keys = fold.group_ids, fold.keys
    if len(fold.changes) == 1:
        rule = fold.example.rule
        called = "" if rule.name == rule.key else f" ({show(rule.name)})"
        return f"{show(f'{rule.group_id}/{rule.key}')}{called}"
    if len(keys) == 1:
        return f"{show(keys[0])} in {len(groups):,} groups: {names(groups, show, most)}"
    if len(groups) == 1:
        return f"{len(fold.changes):,} rules of {show(groups[0])}: {names(keys, show, most)}"
    rules = f"{len(fold.changes):,} rules ({names(keys, show, most)})"
    return f"{rules} in {len(groups):,} groups: {names(groups, show, most)}"


def handovers(change: RuleChange, show: Show) -> Iterator[Line]:
    """Who covers the targets now or did before, and what nobody covers."""
    for cover in change.uncovered[:MOST_NAMES]:
        reason = f"disabled in {show(cover.group_id)}"
        if cover.group_id == change.rule.group_id:
            reason = "not among its targets now"
        yield Line(f"nobody covers {_slice(cover, show)} any more: {reason}", True)
    if more := _more(change.uncovered):
        yield Line(f"nobody covers {more} any more", True)
    for cover in change.covered_by[:MOST_NAMES]:
        loss = ": no loss" if change.action is Action.REMOVE and not cover.slice else ""
        yield Line(f"{_slice(cover, show)} covered by {_rule(cover, show)} now{loss}")
    if more := _more(change.covered_by):
        yield Line(f"{more} covered by other groups now")
    for cover in change.takes_over[:MOST_NAMES]:
        yield Line(f"{_slice(cover, show)} covered by {_rule(cover, show)} before")
    if more := _more(change.takes_over):
        yield Line(f"{more} covered by other groups before")
    for cover in change.regained[:MOST_NAMES]:
        yield Line(f"nobody covered {_slice(cover, show)} before: disabled in {show(cover.group_id)}")
    if more := _more(change.regained):
        yield Line(f"nobody covered {more} before")
    if change.action is Action.REMOVE and change.is_lost:
        yield Line("nothing else covers its targets" if not change.covered_by else "the rest is lost", True)
    if change.action is Action.REPLACE and change.rule.kind == "record":
        yield Line("the old series ends: what reads it must ask for the new one")


def _more(covers: tuple[Cover, ...]) -> str:
    left = len(covers) - MOST_NAMES
    return f"{left:,} more slice{'s' * (left != 1)}" if left > 0 else ""


def _slice(cover: Cover, show: Show) -> str:
    return show(f"{{{cover.slice}}}") if cover.slice else "all its targets"


def _rule(cover: Cover, show: Show) -> str:
    return show(f"{cover.group_id}/{cover.key}")


def about(fold: Fold, show: Show) -> str:
    """What comes or goes: how urgent it is, and of a single rule what it says; empty for other changes."""
    if fold.example.action not in (Action.ADD, Action.REMOVE) or fold.example.rule.kind != "alert":
        return ""
    if len(fold.changes) == 1:
        rule = fold.example.rule
        urgency = f"{show(rule.severity)}, " if rule.severity else ""
        held = f"for {show(rule.for_)}" if rule.for_ else "without for"
        return f"{urgency}{held}: {show(short(rule.expr))}"
    numbers = Counter(change.rule.severity or "(none)" for change in fold.changes)
    if len(numbers) == 1:
        return f"severity {show(*numbers)}"
    return f"severity {', '.join(f'{show(name)} ({number:,})' for name, number in sorted(numbers.items()))}"


def reset(fold: Fold, found: Reset, show: Show) -> str:
    """Why the first alert of a fold starts over, and that the others do so with values of their own."""
    old, new = (None if value is None else show(value) for value in (found.old, found.new))
    likewise = any(found not in change.resets for change in fold.changes)
    sentence = Reset(found.what, show(found.key), old, new).sentence
    return f"{sentence} (the others likewise)" if likewise else sentence


def own_fields(change: RuleChange) -> list[FieldChange]:
    """What differs, without what starts the alert over and whose targets change hands: both are told."""
    told: set[tuple[str, str]] = {(each.what, each.key) for each in change.resets}
    if change.covered_by or change.takes_over or change.uncovered or change.regained:
        told.add(("exclusions", ""))
    return [field for field in change.fields if (field.field, field.key) not in told]


def place_of_resets(change: RuleChange) -> str:
    """Where the first value that starts the alert over is written, as far as that is known."""
    told = {(each.what, each.key) for each in change.resets}
    return next((place(f.place) for f in change.fields if (f.field, f.key) in told and f.place), "")


def causes_elsewhere(change: RuleChange) -> list[str]:
    """The edited files that no field of the change is placed in."""
    shown = {(each.what, each.key) for each in change.resets}
    fields = [*own_fields(change), *(f for f in change.fields if (f.field, f.key) in shown)]
    told = {field.place.path for field in fields if field.place is not None}
    return [path for path in change.causes if path not in told]


def cause(found: Cause, show: Show) -> str:
    """`edit of alerts/templates/x.yaml → 200 groups, 400 rules (3 of them indirectly)`."""
    indirectly = found.rules - found.direct
    extra = f" ({indirectly:,} of them indirectly)" if 0 < found.direct < found.rules else ""
    return f"{found.told(show)}{extra}"


def reason(fault: Diagnostic) -> str:
    """The code and message of a fault, in one text of unsafe origin."""
    return f"{fault.severity.value}[{fault.code}]: {fault.message}"


def place(where: object) -> str:
    """`alerts/groups/x.yaml:10`; empty for what is nowhere."""
    return f"{where.path}:{where.line}" if isinstance(where, Span) else ""


def not_compared(found: Incomparable, show: Show) -> str:
    """A group and which of its sides does not compile."""
    return f"{show(found.group_id)}: not compared, as its {broken_sides(found)}"


def broken_sides(found: Incomparable) -> str:
    """`base and head do not compile`."""
    verb = "do" if len(found.sides) > 1 else "does"
    return f"{' and '.join(found.sides)} {verb} not compile"


def errors(plan: Plan) -> list[tuple[SideKey, Diagnostic]]:
    """The errors of both sides; those that both have, once, as the head's."""
    sides: tuple[SideKey, ...] = ("head", "base")
    found: dict[Diagnostic, SideKey] = {}
    for key in sides:
        for fault in plan.diagnostics.get(key, ()):
            if fault.severity is Severity.ERROR:
                found.setdefault(fault, key)
    return [(key, fault) for fault, key in found.items()]


def is_certainly_empty(plan: Plan) -> bool:
    """Whether a report may say that nothing changes."""
    return plan.is_empty and not errors(plan)


def trimmed(parts: Iterable[Part], *, blanks: bool = False) -> Iterator[Part]:
    """An inline diff of one line: what stays is cut to what is near a change, what changed to a length.

    With `blanks` each part keeps one where it begins or ends with white space, so that they join to a text.
    """
    members = list(parts)
    for number, (op, text) in enumerate(members):
        line = " ".join(text.split())
        if blanks and line:
            line = f"{' ' * text[0].isspace()}{line}{' ' * text[-1].isspace()}"
        elif blanks:
            line = " "
        if op != "=":
            yield Part(op, line if len(line) <= LONGEST else short(line))
            continue
        head = line[:_CONTEXT] if number else ""
        tail = line[-_CONTEXT:] if number < len(members) - 1 else ""
        yield Part(op, line if len(line) <= len(head) + len(tail) + 3 else f"{head}…{tail}")
