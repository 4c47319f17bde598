"""A plan as one HTML file that needs nothing else: no script, no picture, no font, and a policy that says so.

The page is plan.html.j2, escaped by Jinja2; its style is plan.css. What this module hands to the page as
`Markup` are sentences of `plan_words`, in which every text of others went through `shown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

from markupsafe import Markup

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.model import Action, FieldChange, Fold, Part, Plan, RuleChange
from rulecompiler.reporters import page
from rulecompiler.reporters import plan_words as words
from rulecompiler.reporters.plan_html_rows import Detail, Row, in_lines
from rulecompiler.terminal import visible

_IN_SIGHT = 100  # folds of a kind that are not folded away, and as many at a time in what is
_MOST_MEMBERS = 400
_MOST_LISTED = 20_000  # changes in the list by group
_MOST_FAULTS = 50
_LONG_NAMES = 8
_DONE = {
    Action.ADD: "added",
    Action.CHANGE: "changed",
    Action.REMOVE: "removed",
    Action.REPLACE: "replaced",
}


class Entry(NamedTuple):
    """A fold as the page shows it."""

    number: int  # unique on the page
    action: Action
    done: str
    subject: Markup
    why: str
    lines: tuple[Line, ...]
    fields: tuple[FieldChange, ...]
    causes: Markup | None
    members: tuple[str, ...]
    more_members: int
    is_many: bool
    rows: tuple[Row, ...] | None  # None where there is no room for them


class Line(NamedTuple):
    """A sentence of an entry."""

    text: Markup
    is_loss: bool


class Kind(NamedTuple):
    """A section of entries."""

    id: str
    title: str
    note: str
    is_danger: bool
    first: Sequence[Entry]
    chunks: Sequence[Sequence[Entry]]


class Member(NamedTuple):
    """A change in the list by group."""

    action: Action
    done: str
    entry: int
    key: str
    name: str


def as_html(plan: Plan, link: str = "") -> str:
    """The page. `link` is where more is to be found (an http address), such as the run that made it."""
    numbers = count(1)
    detail = Detail()
    kinds = words.sorted_by_danger(plan)
    entries = [[_entry(fold, next(numbers), detail) for fold in kind] for kind in kinds]
    by_change = {
        _identity(change): entry.number
        for shown_kind, kind in zip(entries, kinds, strict=True)
        for entry, fold in zip(shown_kind, kind, strict=True)
        for change in fold.changes
    }
    told = {each.diagnostic for each in plan.incomparable}
    faults = [(key, fault) for key, fault in words.errors(plan) if fault not in told]
    number = [words.number_of_rules(kind) for kind in kinds]
    dangers = any(entries[:3])
    groups, unlisted = _groups(plan, by_change)
    return _page(
        plan=plan,
        base=_sentence(words.side(plan.base, shown)),
        head=_sentence(words.side(plan.head, shown)),
        is_empty=words.is_certainly_empty(plan),
        before=[
            _kind("lost", words.counted(number[0], "rule lost"), words.LOST, entries[0]),
            _kind("reset", words.counted(number[1], "alert that starts over"), words.STARTS_OVER, entries[1]),
        ],
        after=[
            _kind(
                "moved", words.counted(number[2], "rule that changes hands"), words.HANDED_OVER, entries[2]
            ),
        ],
        other=_kind("changes", "The other changes" if dangers else "Changes", "", entries[3]),
        unknown=plan.incomparable,
        unknown_note=words.UNKNOWN,
        faults=faults[:_MOST_FAULTS],
        more_faults=max(len(faults) - _MOST_FAULTS, 0),
        causes=[_sentence(words.cause(cause, shown)) for cause in plan.causes],
        untouched=_names(plan.untouched_edits) if plan.untouched_edits else None,
        groups=groups,
        unlisted=unlisted,
        link=link,
    )


def refusal(diagnostics: Iterable[Diagnostic]) -> str:
    """The page where nothing could be compared at all, and why."""
    found = list(diagnostics)
    more = max(len(found) - _MOST_FAULTS, 0)
    return _page(plan=None, faults=[("", fault) for fault in found[:_MOST_FAULTS]], more_faults=more, link="")


def shown(text: str) -> str:
    """A name or value of somebody else on one line, as HTML."""
    return Markup("<code>{}</code>").format(visible(words.short(text)) or "(empty)")


def _page(**found: Any) -> str:
    filters: dict[str, Callable[..., Any]] = {
        "shown": shown,
        "in_lines": in_lines,
        "number": lambda value: f"{value:,}",
        "plural": words.plural,
        "trimmed": words.trimmed,
        "place": words.place,
        "not_compared": lambda each: _sentence(words.not_compared(each, shown)),
    }
    return page.render("plan", filters, **found)


def _sentence(text: str) -> Markup:
    """A sentence of `plan_words`, whose foreign texts are `shown`."""
    return Markup(text)


def _names(found: Iterable[str]) -> Markup:
    return _sentence(words.names(found, shown, _LONG_NAMES))


def _kind(ident: str, title: str, note: str, entries: Sequence[Entry]) -> Kind:
    rest = entries[_IN_SIGHT:]
    chunks = [rest[start : start + _IN_SIGHT] for start in range(0, len(rest), _IN_SIGHT)]
    return Kind(ident, title, note, ident in ("lost", "reset"), entries[:_IN_SIGHT], chunks)


def _entry(fold: Fold, number: int, detail: Detail) -> Entry:
    change = fold.example
    # The subject names the members of a small fold.
    is_large = len(fold.changes) > words.MOST_NAMES
    members = [f"{each.rule.group_id}/{each.rule.key}" for each in fold.changes] if is_large else []
    causes = words.causes_elsewhere(change)
    return Entry(
        number,
        change.action,
        _DONE[change.action],
        _sentence(words.subject(fold, shown)),
        words.why(change),
        tuple(_lines(fold)),
        tuple(_short(field) for field in words.own_fields(change)),
        _names(causes) if causes else None,
        tuple(members[:_MOST_MEMBERS]),
        max(len(members) - _MOST_MEMBERS, 0),
        len(fold.changes) > 1,
        detail.rows(change),
    )


def _lines(fold: Fold) -> Iterator[Line]:
    change = fold.example
    about = words.about(fold, shown)
    if about:
        yield Line(_sentence(about), False)
    for line in words.handovers(change, shown):
        yield Line(_sentence(line.text), line.is_loss)
    if change.resets:
        where = words.place_of_resets(change)
        reasons = "; ".join(words.reset(fold, each, shown) for each in change.resets)
        at = Markup(' <span class="place">{}</span>').format(visible(where)) if where else ""
        yield Line(_sentence(f'<b class="once">starts over</b>: {reasons}{at}'), False)


def _short(field: FieldChange) -> FieldChange:
    return field._replace(parts=tuple(Part(op, text) for op, text in words.trimmed(field.parts)))


def _identity(change: RuleChange) -> tuple[int, int]:
    """What a change keeps when inline diffs are put into it for a fold."""
    return id(change.old), id(change.new)


class Group(NamedTuple):
    """A group in the list by group."""

    id: str
    counts: str
    members: tuple[Member, ...]


def _groups(plan: Plan, entries: dict[tuple[int, int], int]) -> tuple[list[Group], int]:
    """The groups that change, and how many changes the list has no room for."""
    found: list[Group] = []
    unlisted = 0
    room = _MOST_LISTED
    for group_id, changes in plan.by_group():
        if len(changes) > room:
            unlisted += len(changes)
            continue
        room -= len(changes)
        counts = {action: sum(change.action is action for change in changes) for action in Action}
        told = ", ".join(f"{number:,} {_DONE[action]}" for action, number in counts.items() if number)
        members = tuple(
            Member(c.action, _DONE[c.action], entries[_identity(c)], c.rule.key, c.rule.name) for c in changes
        )
        found.append(Group(group_id, told, members))
    return found, unlisted
