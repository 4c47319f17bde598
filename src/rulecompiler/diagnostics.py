"""What is wrong with what a user wrote, as data: every stage returns these, none raises them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How bad a fault is: an error fails the run, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Span(NamedTuple):
    """A range of characters in a file; lines and columns count from 1, the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int


class Pointer(NamedTuple):
    """A place in a YAML file by its keys, so that positions cost nothing until they are shown.

    `keys` lead from the root to a value (`("rules", "NodeDown", "for")`); with `on_key` the
    place is the last key itself. `start` and `end`, where not -1, are character offsets inside
    the scalar's *value*. `document.Locator` turns a pointer into a `Span`.
    """

    path: str
    keys: tuple[str | int, ...] = ()
    on_key: bool = False
    start: int = -1
    end: int = -1

    def at(self, *keys: str | int) -> Pointer:
        """The place of a value further down."""
        return Pointer(self.path, self.keys + keys)

    def key(self) -> Pointer:
        """The place of this value's key instead of the value."""
        return self._replace(on_key=True)


Place = Span | Pointer


class Related(NamedTuple):
    """A second place that explains a fault, such as where a parameter is declared."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault: a stable code, what is wrong, where, and what to do about it.

    `message` is one sentence without a final full stop; `label` is what stands beside the
    carets; `help` says what to do. `place` is None only where no file is to blame.
    """

    code: str
    message: str
    place: Place | None = None
    label: str = ""
    help: str = ""
    severity: Severity = Severity.ERROR
    related: tuple[Related, ...] = ()


def has_errors(diagnostics: tuple[Diagnostic, ...] | list[Diagnostic]) -> bool:
    """Whether any of these fails the run."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
