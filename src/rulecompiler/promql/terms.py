"""PromQL's smaller terms by themselves: durations, names, whole expressions, series."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rulecompiler.model import Matcher, Segment
from rulecompiler.promql import inject
from rulecompiler.promql.durations import LONGEST, milliseconds
from rulecompiler.promql.grammar import structure
from rulecompiler.promql.problems import SYNTAX, Fault, Problem
from rulecompiler.promql.proof import same_tree
from rulecompiler.promql.query import prepare

_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_duration(text: str) -> bool:
    """Whether this is a duration of Prometheus', such as `5m` or `1h30m`, and not nought."""
    return 0 < (milliseconds(text) or 0) <= LONGEST


def is_metric(text: str) -> bool:
    """Whether this is a metric name that needs no quotes."""
    return _METRIC.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether this is a label name that needs no quotes."""
    return _LABEL.fullmatch(text) is not None


def parse_error(text: str) -> str | None:
    """What is wrong with an expression, or None."""
    query = prepare((Segment(text, 0, len(text)),), scoped=False)
    return query[0].message if isinstance(query, tuple) and isinstance(query[0], Problem) else None


def parses(text: str) -> bool:
    """Whether this is an expression that is not known to be wrong."""
    return parse_error(text) is None


def same_meaning(left: str, right: str) -> bool:
    """Whether two expressions have equal syntax trees; False where that cannot be told.

    White space, comments, ways of quoting and the order of matchers do not count.
    """
    try:
        return same_tree(structure(left), structure(right)) is True
    except Fault:
        return False


def add_labels(series: str, labels: Mapping[str, str]) -> str | Problem:
    """A unit test's series with those of `labels` that it does not have yet, in the same notation."""
    try:
        query = structure(series)
        lone = len(query.selectors) == 1 and query.spans[-1:] == query.spans[:1] and query.primary
        if not lone or any(m.op != "=" for m in query.selectors[0].matchers):
            raise Fault(SYNTAX, "this is not a series", 'write it as name{label="value"}', 0, len(series))
    except Fault as fault:
        return fault.problem
    own = {matcher.label for matcher in query.selectors[0].matchers}
    added = [Matcher(label, "=", value) for label, value in labels.items() if label not in own]
    return inject.insert(series, inject.places(query), [added])
