"""Where a query's selectors stand, and whether its brackets add up.

This is not a full parser. It knows enough of PromQL's grammar to tell a metric named `sum` from
an aggregation, and to say where a query stops making sense; types and arguments are the library
parser's part. It keeps its own stack, so that nesting costs no recursion.
"""

from __future__ import annotations

from rulecompiler.promql import lexer, words
from rulecompiler.promql.cursor import Frame
from rulecompiler.promql.lexer import DURATION, IDENT, NUMBER, PUNCT, STRING
from rulecompiler.promql.problems import SYNTAX, TOO_LARGE, Fault
from rulecompiler.promql.selectors import SelectorReader
from rulecompiler.promql.structure import (
    BINARY,
    CLAUSE,
    FUNCTION,
    METRIC,
    MODIFIER,
    OPERAND,
    OTHER,
    UNARY,
    Structure,
)
from rulecompiler.promql.windows import WindowReader

MAX_LENGTH = 65_536  # characters

_BINARY = frozenset(["+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">=", "</", ">/"])


def structure(text: str) -> Structure:
    """Read a query's tokens and find its selectors.

    Raises `Fault` where the text cannot be PromQL of any version up to 3.x.
    """
    if len(text) > MAX_LENGTH:
        message = f"the query has {len(text)} characters, more than {MAX_LENGTH}"
        raise Fault(TOO_LARGE, message, "split it with recording rules", 0, len(text))
    if bad := lexer.UNWRITABLE.search(text):
        message = f"the character U+{ord(bad[0]):04X} cannot stand in a query"
        raise Fault(SYNTAX, message, "remove it, or write it as an escape", bad.start(), bad.end())
    return _Reader(text).read()


class _Reader(SelectorReader, WindowReader):
    """Reads operands and operators in turn."""

    def read(self) -> Structure:
        while True:
            begin = self.operand()
            while self.after_operand(begin):
                if self.at >= len(self.tokens):
                    if self.frames or self.fault:
                        raise self.unexpected("`)`")
                    return self.out
                if self.peek() == ")" and self.kind() == PUNCT:
                    begin = self.close()
                    continue
                break

    def operand(self) -> int:
        """Read up to the end of one operand, opening brackets on the way; where it starts."""
        while True:
            kind, text = self.kind(), self.peek()
            if kind == PUNCT and text in ("+", "-"):
                self.out.primary = self.out.primary and bool(self.frames)
                self.take(UNARY)
                self.deeper()
            elif kind == PUNCT and text == "(":
                self.open("(", self.at, "")
            elif kind == PUNCT and text == ")" and self.frames and self.last == self.frames[-1].token:
                if self.frames[-1].kind == "(":
                    raise self.unexpected("an expression")
                return self.close()
            elif kind in (NUMBER, DURATION, STRING):
                if kind == DURATION:
                    self.out.newer.append(self.at)
                return self.take(OPERAND)
            elif kind == PUNCT and text == "{":
                return self.selector(-1)
            elif kind == IDENT:
                begin = self.word(text)
                if begin is not None:
                    return begin
            else:
                raise self.unexpected("an expression")

    def word(self, word: str) -> int | None:
        """A name where an operand should be; None if it opened a bracket."""
        if word in words.SPECIAL_NUMBERS:
            return self.take(OPERAND)
        follower = self.following()
        if follower == "(":
            start = self.take(FUNCTION)
            self.open("sum" if word in words.AGGREGATORS else "call", start, word)
            return None
        if follower in words.CLAUSES:
            start = self.take(FUNCTION)
            self.clause()
            if self.peek() != "(":
                raise self.unexpected("`(` of the aggregation")
            self.open("sum", start, "")
            return None
        if word in words.NEVER_METRICS:
            raise self.unexpected("an expression")
        return self.selector(self.take(METRIC))

    def open(self, kind: str, start: int, name: str) -> None:
        bracket = self.take(OPERAND if kind == "(" else OTHER)
        self.frames.append(Frame(kind, bracket, start, name, self.depth))
        self.commas.append(0)
        self.deeper()

    def close(self) -> int:
        end = self.take()
        frame = self.frames.pop()
        self.commas.pop()
        self.depth = frame.depth
        if frame.kind != "(":
            if self.kind() == IDENT and self.peek() in words.CLAUSES:
                self.clause()
            end = self.last
        self.out.spans.append((frame.start, end + 1))
        return frame.start

    def clause(self) -> None:
        self.take(CLAUSE)
        self.labels()

    def after_operand(self, begin: int) -> bool:
        """Postfixes, then an operator if there is one; False if another operand must follow."""
        while self.postfix(begin):
            self.deeper()
        text, kind = self.peek(), self.kind()
        if (kind == PUNCT and text in _BINARY) or (kind == IDENT and text in words.WORD_OPERATORS):
            self.out.primary = self.out.primary and bool(self.frames)
            self.take(BINARY)
            self.deeper()
            self.binary_modifiers()
            return False
        if kind == PUNCT and text == "," and self.frames and self.frames[-1].kind != "(":
            self.take()
            self.commas[-1] += 1
            self.depth = self.frames[-1].depth + 1
            return False
        if kind == -1 or (kind == PUNCT and text == ")"):
            if kind == PUNCT and not self.frames:
                token = self.tokens[self.at]
                message, help = "`)` closes nothing", "remove it, or open it with `(`"
                raise Fault(SYNTAX, message, help, token.start, token.end)
            return True
        raise self.unexpected("an operator")

    def binary_modifiers(self) -> None:
        self.take_if("bool", role=CLAUSE)
        if self.kind() == IDENT and self.peek() in words.MATCHING and self.following() == "(":
            self.take(CLAUSE)
            self.labels()
            if self.kind() == IDENT and self.peek() in words.GROUPING:
                self.take(CLAUSE)
                if self.peek() == "(":
                    self.labels()
        while self.kind() == IDENT and self.peek() in words.FILLING and self.following() == "(":
            self.out.newer.append(self.take(CLAUSE))
            self.take()
            self.take_if("+", "-", role=OTHER)
            if self.kind() != NUMBER and self.peek() not in words.SPECIAL_NUMBERS:
                raise self.unexpected("a number")
            self.take()
            self.expect(")", "")

    def postfix(self, begin: int) -> bool:
        text, kind = self.peek(), self.kind()
        if kind == PUNCT and text == "[":
            self.brackets()
        elif kind == IDENT and text == "offset":
            self.take(MODIFIER)
            self.offset()
        elif kind == PUNCT and text == "@":
            self.take(MODIFIER)
            self.at_time()
        elif kind == IDENT and text in words.RANGE_MODIFIERS:
            self.out.newer.append(self.take(MODIFIER))
        else:
            return False
        self.out.spans.append((begin, self.last + 1))
        return True
