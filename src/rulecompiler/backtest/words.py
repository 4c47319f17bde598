"""A backtest in words: the summary, an alert's numbers, times and durations."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import takewhile

from rulecompiler.backtest.model import (
    Absent,
    Backtest,
    Fired,
    Outcome,
    Result,
    Unknown,
    Verdict,
    number,
    total,
)

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms"))

_NONE = "(none)"
_MOST_EDITS = 4
_LONGEST = 60

VERDICTS: dict[Verdict, str] = {
    "constant": "fires nearly all the time",
    "silenced": "would no longer fire",
    "more": "fires more often",
    "unknown": "cannot say",
    "fewer": "fires less often",
    "longer": "fires longer",
    "shorter": "fires shorter",
    "shifted": "fires at other times",
    "same": "fires as before",
}


def verdict(result: Result) -> str:
    """The difference in words; of an alert that comes or goes, not as if it was on both sides."""
    is_quiet = not number(result.old) and not number(result.new)
    if result.verdict == "same" and is_quiet:
        return "never fires"
    if isinstance(result.old, Absent) and result.verdict == "more":
        return "is new, and fires"
    if isinstance(result.new, Absent) and result.verdict == "fewer":
        return "is covered by another alert"
    return VERDICTS[result.verdict]


def summary(found: Backtest) -> str:
    """One line, such as `2 alerts would have fired 14 times instead of 3 in the last 7d`."""
    within = f"in the {'last ' if not is_short(found) else ''}{duration(found.window.length)}"
    if is_short(found):
        within += f" of {duration(found.wanted.length)} that the server remembers"
    differing = found.differing
    rules = sum(result.rules for result in differing)
    known = [result for result in found.results if result.verdict != "unknown"]
    if differing:
        before = sum(number(r.old) * r.rules for r in differing)
        after = sum(number(r.new) * r.rules for r in differing)
        subject = f"{plural(rules, 'alert')} would have fired"
        if before != after:
            text = f"{subject} {times(after)} instead of {before:,} {within}"
        else:
            old, new = (sum(total(side) * r.rules for side, r in sides) for sides in _sides(differing))
            spans = f", for {duration(new)} instead of {duration(old)}" if old != new else ", at other times"
            text = f"{subject} {times(after)} as before{spans} {within}"
    elif known:
        count = sum(number(r.new) * r.rules for r in known)
        rules = sum(r.rules for r in known)
        text = f"{plural(rules, 'alert')} would have fired as before, {times(count)} {within}"
    elif found.results or found.left_out:
        text = f"Nobody can say what would have fired {within}"
    elif found.same:
        text = f"{plural(found.same, 'alert')} would fire as before: no query or timing of theirs changes"
    elif found.incomparable:
        text = "No alert that could be compared changes"
    else:
        text = "No alert changes, so that nothing would have fired differently"
    if found.unknown and (known or not found.results):
        text += f"; of {plural(found.unknown, 'alert')} nobody can say"
    if found.incomparable:
        text += f"; {plural(found.incomparable, 'group')} could not be compared"
    return f"{text}."


def _sides(results: tuple[Result, ...]) -> tuple[list[tuple[Outcome, Result]], list[tuple[Outcome, Result]]]:
    return [(r.old, r) for r in results], [(r.new, r) for r in results]


def is_short(found: Backtest) -> bool:
    """Whether the server's history begins within the time that was asked for."""
    return found.window.start > found.wanted.start


def numbers(outcome: Outcome) -> str:
    """`3 firings of 2 series, longest 25m, 1h10m in all`, or why there are none."""
    if isinstance(outcome, Unknown):
        return f"cannot say: {outcome.reason}"
    if isinstance(outcome, Absent):
        return "no such alert"
    if not outcome.firings:
        return "never fires"
    text = f"{plural(outcome.firings, 'firing')} of {outcome.series:,} series"
    text += f", longest {duration(outcome.longest)}"
    return text + (f", {duration(outcome.total)} in all" if outcome.firings > 1 else "")


def quiet_sides(result: Result) -> list[tuple[str, str]]:
    """Of an alert that is known to fire on no side: what is to be said of the sides that are there."""
    sides = [("old", result.old), ("new", result.new)]
    if not any(isinstance(outcome, Unknown) for _, outcome in sides):
        return []  # the verdict says it
    told = [(name, numbers(outcome)) for name, outcome in sides if not isinstance(outcome, Absent)]
    if len(told) == 2 and told[0][1] == told[1][1]:
        return [("old and new", told[0][1])]
    return told


def when(outcome: Outcome) -> str:
    """`first Sat 2026-11-14 06:05, last until Sun 2026-11-15 07:00 (UTC)`; empty where it never fired."""
    if not isinstance(outcome, Fired) or outcome.first is None or outcome.last is None:
        return ""
    before = any(firing.began_before for firing in outcome.all)
    begins = "since before" if before else f"first {moment(outcome.first)}"
    goes_on = any(firing.goes_on for firing in outcome.all)
    return f"{begins}, {'still at the end' if goes_on else f'last until {moment(outcome.last)}'}"


def title(result: Result) -> str:
    """How a person calls the alert, with how many it stands for."""
    rule = result.case.example.rule
    called = "" if rule.name == rule.key else f" ({rule.name})"
    more = f" and {result.rules - 1:,} more" if result.rules > 1 else ""
    return f"{rule.group_id}/{rule.key}{called}{more}"


def edits(result: Result) -> str:
    """What was edited: `threshold 80 → 60, for 2m → 30m`; of a query only that it was."""
    found = []
    for field in result.case.example.fields:
        if field.field in ("param", "for", "keep_firing_for", "interval"):
            values = (_NONE if value is None else _short(value) for value in (field.old, field.new))
            found.append(f"{field.label} {' → '.join(values)}")
        elif field.field == "expr":
            found.append("another query")
    return ", ".join(found[:_MOST_EDITS])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def handovers(result: Result) -> list[str]:
    """Who covers targets of the alert now, and who did before: their firings are that one's."""
    change = result.case.example
    return [
        f"{f'{{{cover.slice}}} ' if cover.slice else ''}covered by {cover.group_id}/{cover.key} {when}"
        for covers, when in ((change.covered_by, "now"), (change.takes_over, "before"))
        for cover in covers
    ]


def moment(time: int) -> str:
    """A time in UTC to the minute, or to the second where it has one."""
    when = datetime.fromtimestamp(time / 1000, UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S" if when.second else "%Y-%m-%d %H:%M")


def rfc3339(time: int) -> str:
    """A time in UTC for programs."""
    when = datetime.fromtimestamp(time // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{when}.{time % 1000:03d}Z" if time % 1000 else f"{when}Z"


def duration(length: int) -> str:
    """Such as `7d`, `1h10m` or `1m30s`: the largest unit and the one below it."""
    words = []
    for size, unit in _UNITS:
        words.append((length // size, unit))
        length %= size
    leading = len(list(takewhile(lambda word: not word[0], words)))
    shown = [f"{count}{unit}" for count, unit in words[leading : leading + 2] if count]
    return "".join(shown) or "0s"


def plural(count: int, noun: str) -> str:
    """`1 alert`, `2 alerts`."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def queries(count: int) -> str:
    """`1 query`, `2 queries`."""
    return "1 query" if count == 1 else f"{count:,} queries"


def times(count: int) -> str:
    """`0 times`, `once`, `14 times`."""
    return {0: "0 times", 1: "once"}.get(count, f"{count:,} times")
