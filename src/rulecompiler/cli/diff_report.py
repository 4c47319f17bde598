"""A plan on a terminal: each kind of change once, the dangerous ones first, and one line that sums it up."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.diff.model import Action, FieldChange, Fold, Incomparable, Part, Plan
from rulecompiler.reporters import plan_words as words
from rulecompiler.terminal import Painter, visible

_MOST_FOLDS = 40  # of changes that neither lose nor reset anything
_OVER = "starts over:"
_STYLES = {Action.ADD: "green", Action.CHANGE: "warning", Action.REMOVE: "red", Action.REPLACE: "red"}


def as_text(plan: Plan, paint: Painter, *, full: bool = False) -> str:
    """The plan as lines; with `full` nothing is left out."""
    lines = [f"{words.side(plan.base, visible)} → {words.side(plan.head, visible)}", ""]
    kinds = words.sorted_by_danger(plan)
    dangerous = [*kinds.lost, *kinds.reset]
    rest = [f for f in plan.folds if not (f.example.is_lost or f.example.is_reset)]
    shown = rest if full else rest[:_MOST_FOLDS]
    for fold in (*dangerous, *shown):
        lines += [*_fold(fold, paint, full), ""]
    if len(shown) < len(rest):
        left = rest[len(shown) :]
        number = words.number_of_rules(left)
        kinds_left = words.plural(len(left), "more kind")
        lines += [
            f"… and {number:,} more rules in {kinds_left} of change: `rulecompiler diff --full` shows them",
            "",
        ]
    if plan.causes:
        listed = plan.causes if full else plan.causes[:10]
        lines += [words.cause(cause, visible) for cause in listed]
        if len(listed) < len(plan.causes):
            lines.append(f"… and {len(plan.causes) - len(listed):,} more edited files")
    if plan.untouched_edits:
        lines.append(f"no rule changes by the edits of {_names(plan.untouched_edits, full)}")
    if plan.causes or plan.untouched_edits:
        lines.append("")
    lines += [paint(line, "red") for line in _unknown(plan, full)]
    if plan.incomparable:
        lines.append("")
    return "\n".join([*lines, paint(plan.summary, "bold"), *_dangers(plan, paint)]) + "\n"


def _unknown(plan: Plan, full: bool) -> Iterator[str]:
    """What could not be compared: groups that share a fault on one line."""
    alike: dict[tuple[object, ...], list[Incomparable]] = {}
    for each in plan.incomparable:
        alike.setdefault((each.sides, each.diagnostic), []).append(each)
    for (_, fault), members in alike.items():
        first = members[0]
        line = words.not_compared(first, visible)
        if len(members) > 1:
            ids = _names([each.group_id for each in members], full)
            line = f"{len(members):,} groups: not compared, as the {words.broken_sides(first)}: {ids}"
        yield f"? {line}"
        if isinstance(fault, Diagnostic):
            where = words.place(fault.place)
            yield f"    {visible(words.reason(fault))}{f'  {visible(where)}' if where else ''}"


def _dangers(plan: Plan, paint: Painter) -> Iterator[str]:
    counts = plan.counts
    if counts.lost:
        yield paint(
            f"{words.plural(counts.lost, 'rule')} that nothing covers any more, for some targets or all",
            "red",
        )
    if counts.resets:
        yield paint(
            f"{words.plural(counts.resets, 'alert')} whose pending and firing state starts over", "red"
        )
    if counts.covered:
        number = words.plural(counts.covered, "removed rule")
        yield f"{number} covered by another one: no loss, but an alert that fires starts over"


def _fold(fold: Fold, paint: Painter, full: bool) -> Iterator[str]:
    change = fold.example
    why = words.why(change)
    symbol = paint(change.action.symbol, _STYLES[change.action])
    yield f"{symbol} {paint(words.subject(fold, visible, _most(full)), 'bold')}{f': {why}' if why else ''}"
    about = words.about(fold, visible)
    if about:
        yield f"    {paint(about, 'dim')}"
    handovers = [
        f"    {paint(o.text, 'red') if o.is_loss else o.text}" for o in words.handovers(change, visible)
    ]
    fields = [_field(each, paint) for each in words.own_fields(change)]
    if change.old is None or change.new is None:
        # How the rule that has the targets on the other side differs.
        yield from (*handovers, *(f"    with {field}" for field in fields))
    else:
        yield from (*(f"    {field}" for field in fields), *handovers)
    for number, reset in enumerate(change.resets):
        place = next((f.place for f in change.fields if (f.field, f.key) == (reset.what, reset.key)), None)
        reason = words.reset(fold, reset, lambda text: visible(words.short(text)))
        label = " " * len(_OVER) if number else f"{paint(_OVER, 'red')}"
        yield f"    {label} {reason}{_at(place, paint)}"
    causes = words.causes_elsewhere(change)
    if causes:
        yield paint(f"    because of {_names(causes, full)}", "dim")


def _field(change: FieldChange, paint: Painter) -> str:
    place = _at(change.place, paint)
    if change.parts:
        return f"{visible(change.label)} {''.join(_pieces(change.parts, paint))}{place}"
    old = "(none)" if change.old is None else words.short(change.old)
    new = "(none)" if change.new is None else words.short(change.new)
    return f"{visible(change.label)} {paint(visible(old), 'red')} → {paint(visible(new), 'green')}{place}"


def _pieces(parts: Sequence[Part], paint: Painter) -> Iterator[str]:
    """An inline diff; without colour as wdiff has it. What stays is cut to what is near a change."""
    for op, text in words.trimmed(parts, blanks=True):
        if op == "=":
            yield visible(text)
        elif op == "-":
            yield paint(f"[-{visible(text)}-]", "red")
        else:
            yield paint(f"{{+{visible(text)}+}}", "green")


def _at(place: Span | None, paint: Painter) -> str:
    where = words.place(place)
    return paint(f"  {visible(where)}", "dim") if where else ""


def _names(names: Sequence[str], full: bool) -> str:
    return words.names(names, visible, _most(full))


def _most(full: bool) -> int:
    return sys.maxsize if full else words.MOST_NAMES
