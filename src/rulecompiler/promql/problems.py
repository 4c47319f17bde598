"""What can be wrong with a query: plain data, with offsets into the text at hand."""

from __future__ import annotations

from typing import NamedTuple

SYNTAX = "RC501"
VALUE = "RC502"
MEANING = "RC503"
NOTHING_TO_SCOPE = "RC504"
CONTRADICTION = "RC505"
UNKNOWN_UNSCOPED = "RC506"
UNPROVEN = "RC507"
TOO_LARGE = "RC508"
BAD_MATCHER = "RC509"


class Problem(NamedTuple):
    """A fault in a query: `start` and `end` are character offsets in the template's `expr`."""

    code: str
    message: str
    help: str
    start: int
    end: int


class Fault(Exception):
    """Carries a `Problem` out of the depths of a pass; it never leaves this package."""

    def __init__(self, code: str, message: str, help: str, start: int, end: int) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, help, start, end)
