"""RC407: the rate of what is no counter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Call, Selector

RATES = frozenset({"rate", "irate", "increase"})

# Names that only gauges have, by convention or because everybody's exporter has them.
_GAUGE = re.compile(
    r"up|.*_(?:celsius|ratio|percent|info|timestamp_seconds|usage_bytes|limit_bytes|free_bytes|avail_bytes"
    r"|working_set_bytes|resident_memory_bytes)"
    r"|node_load(?:1|5|15)|node_memory_Mem\w+_bytes|go_goroutines|process_open_fds"
    r"|kube_\w+_(?:replicas|status_phase)"
)
_RATE_RECORD = re.compile(r":(?:\w+_)?(?:rate|irate|increase)(?:[0-9]+[smhdwy])*$")


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each rate of a gauge, or of a record that is a rate already."""
    for node in rule.nodes:
        if not isinstance(node, Call) or node.name not in RATES or not isinstance(node.args[0], Selector):
            continue
        metric = node.args[0].metric or ""
        if _RATE_RECORD.search(metric):
            yield _finding(rule, node.name, metric, "is a rate already", "use the record as it is")
        elif ":" not in metric and _GAUGE.fullmatch(metric):
            yield _finding(rule, node.name, metric, "is a gauge by its name", "use `delta` or `deriv`")


def _finding(rule: Subject, function: str, metric: str, what: str, help: str) -> Finding:
    return Finding(
        "RC407",
        f"`{function}` takes a counter, but `{metric}` {what}",
        rule.near(metric),
        Severity.WARNING,
        label="takes each fall for a restart",
        help=help,
    )
