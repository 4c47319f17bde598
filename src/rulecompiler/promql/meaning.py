"""What a well-formed query still gets wrong: types, arguments, durations, unusable selectors."""

from __future__ import annotations

import re
from difflib import get_close_matches

from rulecompiler.promql import words
from rulecompiler.promql.cursor import short
from rulecompiler.promql.durations import LONGEST, milliseconds, seconds_of_number
from rulecompiler.promql.lexer import DURATION, NUMBER
from rulecompiler.promql.normal import Names, normalise
from rulecompiler.promql.problems import MEANING, NOTHING_TO_SCOPE, SYNTAX, UNKNOWN_UNSCOPED, Fault
from rulecompiler.promql.proof import Unparsed, parse
from rulecompiler.promql.regexes import is_regex
from rulecompiler.promql.structure import Structure

_TRIES = 400  # sub-expressions that are parsed alone to find the one at fault
_UNKNOWN = re.compile(r"unknown function with name '(\w+)'")
# What the library says of a query that no version of Prometheus takes, and what to do about it.
_CERTAIN = (
    ("expected type", "check what the function or operator takes; a range needs [5m] behind it"),
    ("argument(s) in call", "check the function's arguments"),
    ("wrong number of arguments", "check the aggregation's arguments"),
    ("metric name must not be set", "keep one of the two names"),
    ("at least one non-empty matcher", "name a metric, or add a matcher that the empty string fails"),
    ("duration must be greater than 0", "write a positive duration"),
    ("not a valid duration", "write units from long to short, such as 1h30m"),
    ("comparisons between scalars must use", "write `bool` after the operator"),
    ("not allowed in binary scalar expression", "use and, or and unless between vectors"),
    ("bool modifier can only be used", "use `bool` with a comparison"),
    ("vector matching only allowed", "use on, ignoring and group_left between vectors"),
    ("must not occur in", "name a label in one of the two lists"),
    ("no grouping allowed", "remove group_left or group_right"),
    ("timestamp out of bounds", "write a Unix time in seconds"),
    ("ranges only allowed for vector selectors", "write a subquery such as [5m:]"),
    ("no offset modifiers allowed", "put `offset` behind the brackets"),
    ("no @ modifiers allowed", "put `@` behind the brackets"),
    ("offset may not be set multiple times", "keep one offset"),
    ("@ <timestamp> may not be set multiple times", "keep one `@`"),
    ("offset modifier must be preceded", "put `offset` behind a selector or subquery"),
    ("@ modifier must be preceded", "put `@` behind a selector or subquery"),
    ("unary expression only allowed", "negate a number or a vector"),
    ("no arguments for aggregate", "name what to aggregate"),
    ("binary expression must contain only", "calculate with numbers and instant vectors"),
    ("unexpected character inside brackets", "write a positive duration such as 5m"),
    ("subquery is only allowed on", "use a subquery on an instant vector"),
)


def check(query: Structure, unscoped: frozenset[str], scoped: bool) -> bool:
    """Whether the library parser reads the query, so that a proof is possible.

    Raises `Fault` for what is certainly wrong. False means that nothing is known to be wrong but
    the parser cannot tell: the query uses something newer than it.
    """
    _check_regexes(query)
    _check_durations(query)
    tree = parse(normalise(query, Names()))
    if isinstance(tree, Unparsed):
        fault = _explain(query, tree.message)
        if fault:
            raise fault
    _check_scope(query, unscoped, scoped)
    return not isinstance(tree, Unparsed)


def _check_regexes(query: Structure) -> None:
    for selector in query.selectors:
        for matcher in selector.matchers:
            if matcher.op in ("=~", "!~") and not is_regex(matcher.value):
                token = query.tokens[matcher.last]
                message = f"{token.text} is not a regular expression of RE2, which Prometheus uses"
                help = "correct it; RE2 has no look-around and no back-references"
                raise Fault(MEANING, message, help, token.start, token.end)


def _check_durations(query: Structure) -> None:
    """Refuse what no clock can count, which the library parser does not survive either."""
    lone = [w.last for w in query.windows if w.plain]
    spoken = [index for index, token in enumerate(query.tokens) if token.kind == DURATION]
    for index in sorted({*lone, *spoken}):
        token = query.tokens[index]
        is_number = token.kind == NUMBER
        length = seconds_of_number(token.text) * 1000 if is_number else milliseconds(token.text)
        if length is not None and length > LONGEST:
            message = f"`{short(token.text)}` is longer than Prometheus can count"
            raise Fault(MEANING, message, "write at most 292y", token.start, token.end)


def _check_scope(query: Structure, unscoped: frozenset[str], scoped: bool) -> None:
    selected = metrics(query)
    size = len(query.text)
    for name in sorted(unscoped - selected):
        close = get_close_matches(name, sorted(selected), n=1)
        help = f"did you mean {close[0]}?" if close else "remove it from `unscoped`"
        raise Fault(UNKNOWN_UNSCOPED, f"`unscoped` names {name}, which no selector selects", help, 0, size)
    if scoped and not any(s.scopable for s in query.selectors):
        message = "the query selects no series, so it cannot be scoped"
        help = "write `scope: false` if this is meant for every group alike"
        raise Fault(NOTHING_TO_SCOPE, message, help, 0, size)


def metrics(query: Structure) -> frozenset[str]:
    """The metric names that the query selects by equality."""
    return frozenset(s.metric for s in query.selectors if s.metric)


def _explain(query: Structure, message: str) -> Fault | None:
    """The user's fault behind the parser's complaint, or None if it may be the parser's own."""
    unknown = _UNKNOWN.search(message)
    if unknown:
        return _unknown_function(query, unknown[1])
    help = next((help for text, help in _CERTAIN if text in message), None)
    if help is None and query.newer:
        return None
    start, end = _culprit(query, message)
    if help is None:
        return Fault(SYNTAX, "this is not PromQL", "compare it with Prometheus' documentation", start, end)
    return Fault(MEANING, _plain(message), help, start, end)


def _plain(message: str) -> str:
    """The parser's sentence in our manner: one line, no final stop, none of our placeholders."""
    line = re.sub(r"\s+", " ", message).partition(" twice: ")[0].strip().rstrip(".")
    return line if len(line) <= 200 else line[:199] + "…"


def _unknown_function(query: Structure, name: str) -> Fault | None:
    close = get_close_matches(name, sorted(words.FUNCTIONS | words.AGGREGATORS), n=1, cutoff=0.8)
    if not close:
        return None  # perhaps one of a later version: promtool knows its own
    token = next(t for t in query.tokens if t.text == name)
    return Fault(MEANING, f"there is no function {name}", f"did you mean {close[0]}?", token.start, token.end)


def _culprit(query: Structure, message: str) -> tuple[int, int]:
    """The smallest part of the query that draws the same complaint alone, else all of it."""
    tokens = query.tokens
    for window in query.windows if "duration" in message else ():
        part = normalise(query, Names(), window.first, window.end)
        alone = parse(f"x[{part}]")
        if isinstance(alone, Unparsed) and alone.message == message:
            return tokens[window.first].start, tokens[window.end - 1].end
    parts = sorted(set(query.spans), key=lambda part: (part[1] - part[0], part))
    for first, end in parts[:_TRIES]:
        tree = parse(normalise(query, Names(), first, end))
        if isinstance(tree, Unparsed) and _shape(tree.message) == _shape(message):
            return tokens[first].start, tokens[end - 1].end
    solid = [token for token in tokens if token.kind > 1]
    return solid[0].start, solid[-1].end


def _shape(message: str) -> str:
    return re.sub(r"\bs\d+\b", "s", message)
