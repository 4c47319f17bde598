"""Order, and one entry for what is one fault although a hundred groups reach it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from rulecompiler.diagnostics import Diagnostic, Place, Related, Severity, Span

_SEVERITIES = tuple(Severity)


@dataclass(slots=True)
class Folded:
    """A diagnostic, and others that differ from it only in how they got there.

    `more` counts those others; `also` holds the related places that only they name.
    """

    diagnostic: Diagnostic
    more: int = 0
    also: list[Related] = field(default_factory=list)

    @property
    def suffix(self) -> str:
        """`[+37 more groups]`, or empty."""
        if not self.more:
            return ""
        # Each group has its own file: as many new files as repeats means a group a repeat.
        known = {item.place.path for item in self.diagnostic.related}
        groups = len({item.place.path for item in self.also} - known) >= self.more
        noun = "group" if groups else "place"
        return f"[+{self.more:,} more {noun}{'s' * (self.more > 1)}]"


def fold(diagnostics: Iterable[Diagnostic]) -> list[Folded]:
    """By path, line, column, then code; those without a place last, as they came; none twice.

    Diagnostics of one code, message and place are one entry: the first in order speaks for all.
    """
    entries: dict[object, Folded] = {}
    for diagnostic in sorted(dict.fromkeys(diagnostics), key=_order):
        key = (diagnostic.place, diagnostic.code, diagnostic.message, diagnostic.severity)
        entry = entries.get(key)
        if entry is None:
            entries[key] = Folded(diagnostic)
            continue
        entry.more += 1
        entry.also.extend(diagnostic.related)
    for entry in entries.values():
        shown = set(entry.diagnostic.related)
        entry.also = [item for item in dict.fromkeys(entry.also) if item not in shown]
    return list(entries.values())


def counts(folded: Iterable[Folded]) -> dict[Severity, int]:
    """How many entries of each severity, worst first, zeros included."""
    found = dict.fromkeys(_SEVERITIES, 0)
    for entry in folded:
        found[entry.diagnostic.severity] += 1
    return found


def _order(diagnostic: Diagnostic) -> tuple[object, ...]:
    if diagnostic.place is None:
        return (True,)  # in the order in which they were found, which tells a story
    return (
        diagnostic.place is None,
        _place_order(diagnostic.place),
        diagnostic.code,
        _SEVERITIES.index(diagnostic.severity),
        diagnostic.message,
        diagnostic.label,
        diagnostic.help,
        tuple((_place_order(item.place), item.text) for item in diagnostic.related),
    )


def _place_order(place: Place | None) -> Span:
    if isinstance(place, Span):
        return place
    return Span(place.path if place is not None else "", 0, 0, 0, 0)
