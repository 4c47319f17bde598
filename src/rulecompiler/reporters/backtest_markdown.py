"""A backtest as markdown. GitHub strips pictures out of a text: rows of characters, or image files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from rulecompiler.backtest import timeline
from rulecompiler.backtest.model import Absent, Backtest, Fired, Outcome, Result, Unknown
from rulecompiler.backtest.words import (
    edits,
    handovers,
    moment,
    numbers,
    plural,
    queries,
    summary,
    title,
    verdict,
)
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.reporters.backtest_svg import picture
from rulecompiler.reporters.plan_markdown_text import code

_COLUMNS = 60
_MOST = 55_000  # characters: a comment holds 65,536
_IN_SIGHT = 10
# Words with anything in it that markdown or GitHub could take for more than a word.
_DOUBTFUL = re.compile(r"\S*(?:[^\s\w.,;:'’%/=→…()-]|_|//|www\.)\S*")
_OPEN = frozenset(("constant", "silenced", "more"))


def as_markdown(found: Backtest, images: str | None = None) -> str:
    """The backtest; `images` is where the files of `pictures` lie, seen from where the markdown will be."""
    head = [f"### Backtest\n\n**{summary(found)}**\n", *_abouts(found)]
    blocks = [_result(result, number, found, images) for number, result in enumerate(found.results)]
    dangerous = sum(result.verdict in _OPEN for result in found.results)
    in_sight = max(dangerous, min(_IN_SIGHT, len(blocks)))
    text = "\n".join(head) + "\n"
    for number, block in enumerate(blocks):
        opens = "\n<details><summary>more alerts</summary>\n" if number == in_sight else ""
        if len(text) + len(opens) + len(block) > _MOST:
            left = len(blocks) - number
            closing = "\n</details>\n" if number > in_sight else ""
            return f"{text}{closing}\n… and {plural(left, 'more alert')}: `rulecompiler backtest --full`\n"
        text += f"{opens}\n{block}"
    return f"{text}\n</details>\n" if len(blocks) > in_sight else text


def refusal(diagnostics: Iterable[Diagnostic]) -> str:
    """The text where nothing could be asked at all, and why."""
    lines = ["### Backtest\n\n**Nothing could be asked**: what would have fired is not known.\n\n"]
    room = _MOST
    for fault in diagnostics:
        helped = f"\n  help: {_plain(fault.help)}" if fault.help else ""
        lines.append(f"- {fault.severity.value}: {_plain(fault.message)} ({fault.code}){helped}\n")
        room -= len(lines[-1])
        if room < 0:
            lines[-1] = "- … and more\n"
            break
    return "".join(lines)


def pictures(found: Backtest) -> dict[str, str]:
    """An SVG file an alert, by its name."""
    return {_file(result, number): picture(result, found) for number, result in enumerate(found.results)}


def _file(result: Result, number: int) -> str:
    rule = result.case.example.rule
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{rule.group_id}-{rule.key}").strip("-")[:80]
    return f"{number + 1:03d}-{name}.svg"


def _abouts(found: Backtest) -> Iterator[str]:
    time = f"{moment(found.wanted.start)} to {moment(found.wanted.end)} UTC"
    yield f"{time}, {code(found.asked.url)}, {queries(found.asked.queries)}.\n"
    for fault in found.diagnostics:
        yield f"- ⚠ {_plain(fault.message)} ({fault.code})"
    for note in found.notes:
        yield f"- {_plain(note)}"
    if found.same and found.results:
        yield f"- {plural(found.same, 'alert')} of the plan: query and timing do not change"


def _result(result: Result, number: int, found: Backtest, images: str | None) -> str:
    symbol = result.case.example.action.symbol
    lines = [f"#### `{symbol}` {code(title(result))}: {verdict(result)}\n"]
    if said := edits(result):
        lines.append(f"{code(said)}\n")
    if images is not None:
        # Its name has letters, digits and hyphens only.
        path = quote(f"{images.rstrip('/')}/{_file(result, number)}", safe="/.-_")
        lines.append(f"![before: {_numbers(result.old)}; after: {_numbers(result.new)}]({path})\n")
    elif any(isinstance(outcome, Fired) and outcome.firings for outcome in (result.old, result.new)):
        levels = [timeline.columns(outcome, found.wanted, _COLUMNS) for outcome in (result.old, result.new)]
        top = timeline.top(levels)
        lines.append("```text")
        for name, outcome in (("old", result.old), ("new", result.new)):
            lines.append(f"{name} {_row(outcome, found, top)}  {_numbers(outcome)}")
        lines.append("```\n")
    reasons = dict.fromkeys(each.reason for each in (result.old, result.new) if isinstance(each, Unknown))
    lines += [f"- cannot say: {_plain(reason)}" for reason in reasons]
    lines += [f"- {_plain(said)}" for said in handovers(result)]
    lines += [f"- not exact: {_plain(note)}" for note in result.notes]
    return "\n".join(lines) + "\n"


def _row(outcome: Outcome, found: Backtest, top: float) -> str:
    if isinstance(outcome, Absent):
        return " " * _COLUMNS
    return timeline.characters(outcome, found.wanted, _COLUMNS, top)


def _numbers(outcome: Outcome) -> str:
    """Without the reason, which is others' text."""
    return "cannot say" if isinstance(outcome, Unknown) else numbers(outcome)


def _plain(text: str) -> str:
    """A sentence with others' words in it: nothing in it is markup, mentions anybody or links anywhere."""
    parts = re.split(r"`([^`]*)`", text)
    shown = [
        code(part) if number % 2 else _DOUBTFUL.sub(lambda found: code(found[0]), part)
        for number, part in enumerate(parts)
    ]
    return " ".join("".join(shown).split())
