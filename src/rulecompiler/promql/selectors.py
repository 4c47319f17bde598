"""Selectors and lists of labels."""

from __future__ import annotations

from rulecompiler.promql import lexer
from rulecompiler.promql.cursor import Cursor
from rulecompiler.promql.lexer import IDENT, PUNCT, STRING
from rulecompiler.promql.structure import LABEL, AuthorMatcher, Selector


class SelectorReader(Cursor):
    """Reads what stands between braces, and the labels of `by` and its like."""

    def labels(self) -> None:
        """A parenthesised list of labels, which never holds a selector."""
        opening = self.expect("(", " and a list of labels")
        while not self.take_if(")"):
            if self.at >= len(self.tokens):
                raise self.unclosed(opening)
            if self.kind() not in (IDENT, STRING):
                raise self.unexpected("a label")
            if self.kind() == STRING:
                self.out.newer.append(self.at)
            self.take(LABEL)
            if self.peek() != ")" and not self.take_if(","):
                raise self.unexpected("`,` or `)`")

    def selector(self, name: int) -> int:
        """A selector whose name, if it has one, was read as token `name`; its first token."""
        opening = close = -1
        matchers: list[AuthorMatcher] = []
        if self.kind() == PUNCT and self.peek() == "{":
            opening = self.take()
            while not self.take_if("}"):
                if self.at >= len(self.tokens):
                    raise self.unclosed(opening)
                matchers.append(self.matcher())
                if self.at >= len(self.tokens):
                    raise self.unclosed(opening)
                if self.peek() != "}" and not self.take_if(","):
                    raise self.unexpected("`,` or `}`")
            close = self.last
        metric = self.tokens[name].text if name >= 0 else None
        if metric is None:
            named = [m.value for m in matchers if m.label == "__name__" and m.op == "="]
            metric = named[0] if named else None
        info = bool(self.frames) and self.frames[-1].name == "info" and self.commas[-1] == 1
        self.out.selectors.append(Selector(name, opening, close, tuple(matchers), metric, not info))
        begin = self.out.selectors[-1].first
        self.out.spans.append((begin, self.last + 1))
        return begin

    def matcher(self) -> AuthorMatcher:
        """One matcher, or a metric name in quotes."""
        if self.kind() not in (IDENT, STRING):
            raise self.unexpected("a label or `}`")
        quoted = self.kind() == STRING
        first = self.take(LABEL)
        label = lexer.unquote(self.tokens[first].text) if quoted else self.tokens[first].text
        if quoted:
            self.out.newer.append(first)
            if self.peek() in (",", "}"):
                return AuthorMatcher("__name__", "=", label, first, first)
        if self.peek() not in ("=", "!=", "=~", "!~"):
            raise self.unexpected("one of `=`, `!=`, `=~` and `!~`")
        op = self.tokens[self.take()].text
        if self.kind() != STRING:
            raise self.unexpected("a value in quotes")
        last = self.take()
        return AuthorMatcher(label, op, lexer.unquote(self.tokens[last].text), first, last)
