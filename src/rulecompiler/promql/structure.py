"""What each token of a query is for, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from rulecompiler.promql.lexer import Token

METRIC, FUNCTION, LABEL, UNARY, BINARY, CLAUSE, MODIFIER, OPERAND, OTHER = range(9)


class AuthorMatcher(NamedTuple):
    """A matcher as written; `first` to `last` are token indices, `value` is the decoded string.

    A metric name in quotes is a matcher on `__name__` whose first token is its last.
    """

    label: str
    op: str
    value: str
    first: int
    last: int


class Selector(NamedTuple):
    """A vector selector: token indices of its parts, -1 where it has no such part."""

    name: int
    open: int
    close: int
    matchers: tuple[AuthorMatcher, ...]
    metric: str | None  # the name that it selects by equality, if it does
    scopable: bool  # False for the second argument of info(), which selects labels, not series

    @property
    def first(self) -> int:
        """The index of its first token."""
        return self.open if self.name < 0 else self.name

    @property
    def last(self) -> int:
        """The index of its last token."""
        return self.name if self.close < 0 else self.close


class Window(NamedTuple):
    """A range, step, offset or time: token indices of the duration or number, the end exclusive."""

    first: int
    end: int
    plain: bool  # a duration that the library reads; not so arithmetic and times before 1970

    @property
    def last(self) -> int:
        """The index of its last token."""
        return self.end - 1


@dataclass(slots=True)
class Structure:
    """A query's tokens and what they are for; `roles` has one entry a token."""

    text: str
    tokens: list[Token]
    roles: list[int]
    selectors: list[Selector] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    newer: list[int] = field(default_factory=list)  # tokens that only Prometheus 3 knows
    spans: list[tuple[int, int]] = field(default_factory=list)  # complete sub-expressions, by token
    primary: bool = True  # a selector, call, literal or parenthesis: safe to put beside an operator
