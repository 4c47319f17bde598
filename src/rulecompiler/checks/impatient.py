"""RC416: what comes and goes by itself, and fires at once."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Aggregate, Call


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for `absent()` and for `topk()` in an alert without `for`."""
    if not rule.is_alert or rule.waits:
        return
    for node in rule.nodes:
        if isinstance(node, Call) and node.name == "absent":
            yield Finding(
                "RC416",
                "`absent` without `for` fires at the first scrape that is missed",
                rule.near("absent"),
                Severity.INFO,
                label="true after each restart",
                help="give the alert a `for`, or use `absent_over_time(…[5m])`",
            )
            return
        if isinstance(node, Aggregate) and node.op in ("topk", "bottomk"):
            yield Finding(
                "RC416",
                f"`{node.op}` without `for` fires anew whenever the order changes",
                rule.near(node.op),
                Severity.INFO,
                label="other series each time",
                help="give the alert a `for`, or compare without it",
            )
            return
