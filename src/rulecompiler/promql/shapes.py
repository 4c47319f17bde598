"""What is true of every query of one shape, worked out once.

Two renderings have one shape if their authors' texts are equal and their values are of equal
classes (see `holes`). A shape is analysed and proven with a representative of each class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from rulecompiler.model import Matcher
from rulecompiler.promql import atoms, inject, meaning
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.holes import Skeleton
from rulecompiler.promql.lexer import Token
from rulecompiler.promql.problems import UNPROVEN, Fault, Problem
from rulecompiler.promql.proof import prove


class Template(NamedTuple):
    """Text with places for values, filled by number: a %-format and what picks its arguments."""

    format: str
    pick: Callable[[Sequence[str]], Any] | None

    def fill(self, values: Sequence[str]) -> str:
        """The text with these values."""
        return self.format % self.pick(values) if self.pick else self.format


class Shape:
    """The analysis of one shape: raises `atoms.Misplaced` if there is something wrong with it."""

    __slots__ = (
        "_assembly",
        "_size",
        "_unscoped",
        "author_labels",
        "fixed_labels",
        "live",
        "metrics",
        "original",
        "proven",
        "scoped",
        "takes_scope",
        "variable_labels",
    )

    def __init__(
        self,
        frame: Skeleton,
        values: Sequence[str],
        live: Sequence[bool],
        unscoped: frozenset[str],
        scoped: bool,
    ) -> None:
        self._assembly = atoms.assemble(frame.segments(values))
        self._unscoped = unscoped
        self._size = len(values)
        self.scoped = scoped
        query = self._assembly.read
        try:
            self.proven = meaning.check(query, unscoped, scoped)
        except Fault as fault:
            raise atoms.Misplaced(fault.problem, self._assembly.spans) from None
        self.metrics = meaning.metrics(query)
        self.takes_scope = any(s.scopable and s.metric not in unscoped for s in query.selectors)
        self.live = [(hole, number) for number, hole in enumerate(frame.holes) if live[number]]
        places = [self._assembly.spans[hole.index] for hole, _ in self.live if hole.label]
        matchers = [m for s in query.selectors for m in s.matchers]
        variable = [m for m in matchers if any(_inside(place, query.tokens[m.last]) for place in places)]
        self.author_labels = frozenset(m.label for m in matchers)
        self.variable_labels = frozenset(m.label for m in variable)
        self.fixed_labels = frozenset(m.label for m in matchers if m not in variable)
        self.original = self._template((), ())

    def plan(self, scope: tuple[Matcher, ...]) -> Template:
        """How to write the query under a scope like this one.

        The template takes the values and then the matchers' texts. Raises `Refused`.
        """
        query = self._assembly.read
        spots = inject.places(query)
        lacking = inject.missing(query, scope, self._unscoped)
        if isinstance(lacking, inject.Contradictions):
            raise Refused(tuple(atoms.Misplaced(p, self._assembly.spans) for p in lacking.problems))
        if not self._holds(inject.insert(query.text, spots, lacking), lacking):
            message = "the scoped query cannot be proven to be the query with its scope"
            help = "this is a fault of the compiler: please report it with the query"
            problem = Problem(UNPROVEN, message, help, 0, len(query.text))
            raise Refused((atoms.Misplaced(problem, self._assembly.spans),))
        numbers = {matcher: self._size + number for number, matcher in enumerate(scope)}
        return self._template(spots, [[numbers[m] for m in matchers] for matchers in lacking])

    def _holds(self, text: str, added: Sequence[Sequence[Matcher]]) -> bool:
        """Whether the scoped text is the query with these matchers, as far as that can be told."""
        try:
            result = structure(text)
        except Fault:
            return False
        return not self.proven or prove(self._assembly.read, result, added) is True

    def _template(self, spots: Sequence[inject.Place], added: Sequence[Sequence[int]]) -> Template:
        """The text with a place for each live value, and for each matcher that a spot lacks."""
        cuts: list[tuple[int, int, list[str | int]]] = []
        margins = dict(self._assembly.atoms)
        for hole, number in self.live:
            start, end = self._assembly.spans[hole.index]
            margin = margins.get(hole.index, 0)
            cuts.append((start + margin, end - margin, [number]))
        for spot, numbers in zip(spots, added, strict=True):
            parts: list[str | int] = []
            for number in numbers:
                parts += [spot.between if parts else spot.lead, number]
            if parts:
                cuts.append((spot.offset, spot.offset, [*parts, spot.tail]))
        text, done = self._assembly.text, 0
        out: list[str] = []
        order: list[int] = []
        for start, end, cut in sorted(cuts, key=lambda cut: cut[:2]):
            out.append(text[done:start].replace("%", "%%"))
            for part in cut:
                out.append(part.replace("%", "%%") if isinstance(part, str) else "%s")
                order += [part] if isinstance(part, int) else []
            done = end
        joined = "".join((*out, text[done:].replace("%", "%%")))
        return Template(joined, itemgetter(*order)) if order else Template(joined.replace("%%", "%"), None)


def _inside(span: tuple[int, int], token: Token) -> bool:
    return token.start < span[0] and span[1] < token.end


class Refused(Exception):
    """Why a query cannot have a scope: one reason for each matcher that is in its way."""

    def __init__(self, reasons: tuple[atoms.Misplaced, ...]) -> None:
        super().__init__(*(reason.problem.message for reason in reasons))
        self.reasons = reasons
