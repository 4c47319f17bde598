"""RC408: a rate over what was aggregated or calculated before."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.rate_of_gauge import RATES
from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.labelflow import describe
from rulecompiler.promql.tree import Aggregate, Binary, Call, Subquery, is_scalar

_NO_COUNTER = RATES | {"delta", "deriv", "avg_over_time", "histogram_quantile"}
_SUMS = frozenset({"sum", "avg", "count"})


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each rate over a subquery that hides the restarts of its counters."""
    for node in rule.nodes:
        if not isinstance(node, Call) or node.name not in RATES or not isinstance(node.args[0], Subquery):
            continue
        inner = node.args[0].expr
        sums = isinstance(inner, Aggregate) and inner.op in _SUMS
        rates = isinstance(inner, Call) and inner.name in _NO_COUNTER
        joins = isinstance(inner, Binary) and inner.op in "+-" and not is_scalar(inner.right)
        if sums or rates or joins:
            yield Finding(
                "RC408",
                f"`{node.name}` of `{describe(inner)}` takes each fall for a restart of a counter",
                rule.near(node.name),
                Severity.WARNING,
                label="is no counter any more",
                help="take the rate first and aggregate then: `sum(rate(…))`",
            )
