"""RC435: `$value` with all its digits in an annotation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import COMPARISONS, SETS, Aggregate, Binary, Call, Node, Selector, Subquery

_BARE = re.compile(r"\{\{-?\s*(\$value|\.Value)\s*-?\}\}")
_RAGGED_CALLS = frozenset(
    {"rate", "irate", "increase", "delta", "deriv", "predict_linear", "avg_over_time", "quantile_over_time"}
    | {"stddev_over_time", "stdvar_over_time", "mad_over_time", "histogram_quantile", "histogram_avg"}
    | {"histogram_fraction", "histogram_stddev", "holt_winters", "double_exponential_smoothing"}
    | {"exp", "ln", "log2", "log10", "sqrt", "time"}
)
_RAGGED_AGGREGATES = frozenset({"avg", "quantile", "stddev", "stdvar"})
_WHOLE_CALLS = frozenset(
    {"floor", "ceil", "round", "sgn", "absent", "absent_over_time", "changes", "resets", "count_over_time"}
    | {"present_over_time", "hour", "minute", "month", "year", "days_in_month"}
    | {"day_of_month", "day_of_week", "day_of_year"}
)


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each annotation that shows a quotient, a rate or bytes as they come."""
    if not rule.is_alert:
        return
    shown = [(name, found) for name, text in rule.annotations.items() if (found := _BARE.search(text))]
    if not shown or not _ragged(rule.query):
        return
    for name, found in shown:
        yield Finding(
            "RC435",
            f"the annotation `{name}` shows `{found[1]}` with all its digits",
            At(("annotations", name)),
            Severity.INFO,
            label="such as 0.8333333333333334 or 1.073741824e+09",
            help=f"write `{{{{ {found[1]} | humanize }}}}`, or `humanizePercentage`, `humanizeDuration`, "
            "`humanize1024`",
        )


def _ragged(node: Node) -> bool:
    """Whether a value of the query may have many digits."""
    match node:
        case Selector():
            return node.metric is not None and node.metric.endswith("_bytes")
        case Call():
            if node.name in _WHOLE_CALLS:
                return False
            return node.name in _RAGGED_CALLS or any(map(_ragged, node.args))
        case Aggregate():
            if node.op in ("count", "group", "count_values"):
                return False
            return node.op in _RAGGED_AGGREGATES or _ragged(node.expr)
        case Subquery():
            return _ragged(node.expr)
        case Binary(op=op):
            if op in COMPARISONS:
                return not node.bool_ and op != "==" and _ragged(node.left)
            if op in SETS:
                return _ragged(node.left) or (op == "or" and _ragged(node.right))
            return op == "/" or _ragged(node.left) or _ragged(node.right)
    return False
