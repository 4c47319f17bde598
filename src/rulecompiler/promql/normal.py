"""The same query in the PromQL that the library parser reads: for its eyes only, never for output.

Strings become short placeholders, the same for equal values, so that no escape, no quoting style
and no regular expression can divide the two parsers; numbers lose underscores, duration
arithmetic becomes one odd duration, a function takes its newest name, and the modifiers of newer
versions are left out.
"""

from __future__ import annotations

import re

from rulecompiler.promql import lexer, words
from rulecompiler.promql.lexer import COMMENT, IDENT, NUMBER, STRING
from rulecompiler.promql.regexes import is_regex, matches
from rulecompiler.promql.structure import LABEL, MODIFIER, Selector, Structure

_LABEL = re.compile(r"(?!rc_label_)[A-Za-z_][A-Za-z0-9_]*")
_ODD_DURATION = 3_000_000_017  # milliseconds: nothing that anybody writes


class Names:
    """Placeholders, shared by the texts that are to be compared."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], int] = {}

    def _number(self, kind: str, value: str) -> int:
        return self._numbers.setdefault((kind, value), len(self._numbers))

    def string(self, value: str) -> str:
        """The placeholder of a string; the empty one stays empty."""
        return f"s{self._number('string', value)}" if value else ""

    def label(self, name: str) -> str:
        """The placeholder of a label's name; an ordinary one stays itself."""
        return name if _LABEL.fullmatch(name) else f"rc_label_{self._number('label', name)}"

    def value(self, op: str, value: str) -> str:
        """The placeholder of a matcher's value; a pattern that matches nothing at all still does."""
        name = self.string(value)
        if op in ("=~", "!~") and value and (not is_regex(value) or matches(value, "")):
            return f"{name}|"
        return name

    def duration(self, text: str) -> str:
        """The placeholder of duration arithmetic."""
        return f"{_ODD_DURATION + self._number('duration', text)}ms"


def normalise(query: Structure, names: Names, first: int = 0, end: int | None = None) -> str:
    """The query, or its tokens from `first` to `end`, as the library parser is to see it."""
    tokens, roles = query.tokens, query.roles
    limit = len(tokens) if end is None else end
    selectors = {s.open: s for s in query.selectors if s.open >= 0}
    windows = {w.first: w for w in query.windows}
    out: list[str] = []
    at = first
    bracketed = False
    while at < limit:
        token = tokens[at]
        if at in selectors:
            out.append(_braces(selectors[at], names))
            at = selectors[at].close + 1
            continue
        if at in windows and not windows[at].plain:
            window = windows[at]
            inside = (t.text.lower() for t in tokens[at : window.end] if t.kind > COMMENT)
            out.append(names.duration(" ".join(inside)))
            at = window.end
            continue
        if token.kind <= COMMENT:
            out.append("" if bracketed else " ")
        elif token.kind == STRING:
            value = lexer.unquote(token.text)
            out.append(names.label(value) if roles[at] == LABEL else f'"{names.string(value)}"')
        elif token.kind == NUMBER:
            out.append(token.text.replace("_", ""))
        elif token.kind == IDENT and roles[at] == LABEL:
            out.append(names.label(token.text))
        elif roles[at] == MODIFIER and token.text.lower() in words.RANGE_MODIFIERS:
            out.append(" ")
        elif token.text in ("</", ">/"):
            out.append("/")
        elif token.kind == IDENT and token.text in words.RENAMED:
            out.append(words.RENAMED[token.text])
        else:
            bracketed = token.text == "[" or (bracketed and token.text != "]")
            out.append(token.text)
        at += 1
    return "".join(out)


def _braces(selector: Selector, names: Names) -> str:
    matchers = (f'{names.label(m.label)}{m.op}"{names.value(m.op, m.value)}"' for m in selector.matchers)
    return "{" + ",".join(matchers) + "}"
