"""A stranger's text inside GitHub's markdown: shown letter by letter, and without any effect.

Names and values stand in code spans, rules in fenced blocks, and what is in a `<summary>` is HTML. In all
three GitHub neither mentions people nor links issues, and no markup is read. What a terminal or GitHub's log
would obey is spelt out as well, because a comment is often printed before it is posted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from itertools import islice

from rulecompiler.diff.model import RuleAt
from rulecompiler.reporters.plan_words import short
from rulecompiler.terminal import visible

_TICKS = re.compile("`+")
_MOST_LINES = 60  # of one value
_MOST_LINES_A_RULE = 300
_LONGEST_LINE = 300
_LONGEST_FENCE = 6_000


def code(text: str, longest: int = 160) -> str:
    """One line of text as a code span, cut to a length in characters."""
    line = visible(short(text, longest))
    if not line:
        return "(empty)"
    ticks = "`" * (max(map(len, _TICKS.findall(line)), default=0) + 1)
    pad = " " if "`" in (line[0], line[-1]) else ""
    return f"{ticks}{pad}{line}{pad}{ticks}"


def html_code(text: str) -> str:
    """The same for a `<summary>`, where markdown is not read."""
    return f"<code>{html.escape(visible(short(text, 160))) or '(empty)'}</code>"


def fence(lines: Iterable[str], language: str) -> str:
    """Lines as a fenced block that none of them can end; of very many, the first."""
    shown: list[str] = []
    room = _LONGEST_FENCE
    rest = iter(lines)
    for line in rest:
        room -= len(line)
        if room < 0:
            shown.append(f"… {1 + sum(1 for _ in rest):,} more lines")
            break
        shown.append(line)
    body = "\n".join(shown)
    ticks = "`" * max(max(map(len, _TICKS.findall(body)), default=0) + 1, 3)
    return f"{ticks}{language}\n{body}\n{ticks}\n"


def compared(old: RuleAt | None, new: RuleAt | None) -> Iterator[str]:
    """The lines of a rule before and after, signed with `-`, `+`, or a blank where both have them."""
    # A rule may have any number of labels, and comparing takes the square of the lines.
    before = [] if old is None else list(islice(_lines(old), _MOST_LINES_A_RULE))
    after = [] if new is None else list(islice(_lines(new), _MOST_LINES_A_RULE))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for op, a, a_end, b, b_end in matcher.get_opcodes():
        if op == "equal":
            yield from (f"  {line}" for line in after[b:b_end])
            continue
        yield from (f"- {line}" for line in before[a:a_end])
        yield from (f"+ {line}" for line in after[b:b_end])


def _lines(rule: RuleAt) -> Iterator[str]:
    """A rule as it reads in its rule file."""
    yield from _value("file", rule.file, "")
    yield from _value("group", rule.group, "")
    if rule.interval is not None:
        yield from _value("interval", rule.interval, "")
    yield from _value(rule.kind, rule.name, "")
    yield from _value("expr", rule.expr, "")
    if rule.for_ is not None:
        yield from _value("for", rule.for_, "")
    if rule.keep_firing_for is not None:
        yield from _value("keep_firing_for", rule.keep_firing_for, "")
    for name, values in (("labels", rule.labels), ("annotations", rule.annotations)):
        if values:
            yield f"{name}:"
        for key in sorted(values):
            yield from _value(key, values[key], "  ")


def _value(key: str, text: str, indent: str) -> Iterator[str]:
    lines = text.strip("\n").split("\n")
    if len(lines) == 1:
        yield f"{indent}{_line(key)}: {_line(lines[0])}"
        return
    yield f"{indent}{_line(key)}: |"
    yield from (f"{indent}  {_line(line)}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"{indent}  … {len(lines) - _MOST_LINES:,} more lines"


def _line(text: str) -> str:
    shown = visible(text[:_LONGEST_LINE])
    return f"{shown}… {len(text) - _LONGEST_LINE:,} more characters" if len(text) > _LONGEST_LINE else shown
