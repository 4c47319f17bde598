"""The times in a query: ranges, subqueries, offsets and `@`."""

from __future__ import annotations

from rulecompiler.promql import words
from rulecompiler.promql.cursor import Cursor
from rulecompiler.promql.lexer import COMMENT, DURATION, IDENT, NUMBER
from rulecompiler.promql.structure import MODIFIER, Window

_ARITHMETIC = ("+", "-", "*", "/", "%", "^")


class WindowReader(Cursor):
    """Reads what stands between brackets, and behind `offset` and `@`."""

    def brackets(self) -> None:
        """A range, or the range and step of a subquery."""
        opening = self.take()
        self.duration(single=False)
        if self.take_if(":") and self.peek() != "]":
            self.duration(single=False)
        if self.at >= len(self.tokens):
            raise self.unclosed(opening)
        self.expect("]", "")

    def offset(self) -> None:
        """The duration of an `offset`."""
        self.duration(single=True)

    def duration(self, single: bool) -> None:
        """A duration, or duration arithmetic; where `single`, that must be in parentheses."""
        first, depth = self.at, self.depth
        opened: list[tuple[int, int]] = []  # of each parenthesis: its token, and the commas it still needs
        while True:
            while self.take_if("+", "-"):
                self.deeper()
            word = self.peek() if self.kind() == IDENT else ""
            if word in ("min", "max") or self.peek() == "(":
                self.take_if("min", "max")
                opened.append((self.expect("(", ""), 1 if word else 0))
                self.deeper()
                continue
            if word in ("step", "range"):
                self.take()
                self.expect("(", "")
                self.expect(")", "")
            elif self.kind() in (NUMBER, DURATION):
                self.take()
            else:
                raise self.unexpected("a duration")
            while opened and not opened[-1][1] and self.take_if(")"):
                opened.pop()
            if opened and opened[-1][1] and self.take_if(","):
                opened[-1] = (opened[-1][0], 0)
            elif (opened or not single) and self.take_if(*_ARITHMETIC):
                self.deeper()
            elif opened:
                raise self.unclosed(opened[-1][0]) if self.at >= len(self.tokens) else self.unexpected("`)`")
            else:
                break
        self.depth = depth
        self.window(first)

    def window(self, first: int) -> None:
        """Note the duration that was read from token `first` on."""
        inner = [t for t in self.tokens[first : self.last + 1] if t.kind > COMMENT]
        plain = (
            inner[0].kind in (NUMBER, DURATION)
            if len(inner) == 1
            else len(inner) == 2 and inner[0].text == "-"
        )
        self.out.windows.append(Window(first, self.last + 1, plain))
        if not plain:
            self.out.newer.append(first)

    def at_time(self) -> None:
        """The time behind an `@`."""
        if self.kind() == IDENT and self.peek() in ("start", "end"):
            self.take(MODIFIER)
            self.expect("(", "")
            self.expect(")", "")
            return
        first = self.at
        self.take_if("+", "-")
        if self.peek() in words.SPECIAL_NUMBERS and self.kind() == IDENT:
            self.take()  # never in bounds, as the library parser will say
            return
        if self.kind() not in (NUMBER, DURATION):
            raise self.unexpected("a timestamp, `start()` or `end()`")
        self.take()
        self.out.windows.append(Window(first, self.last + 1, False))
