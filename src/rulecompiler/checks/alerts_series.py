"""RC421: `ALERTS{alertname=…}` under a name that no alert has in the output."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Severity


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each alert of this repo that is asked for without its group's name."""
    if rule.repo.alert_names != "qualified":
        return
    for selector in rule.selectors():
        if selector.metric not in ("ALERTS", "ALERTS_FOR_STATE"):
            continue
        for matcher in selector.matchers:
            if matcher.label == "alertname" and matcher.op == "=" and matcher.value in rule.repo.alerts:
                yield Finding(
                    "RC421",
                    f"no alert is named `{matcher.value}` in the output, where names carry their group",
                    rule.near(matcher.value),
                    Severity.WARNING,
                    label="matches nothing",
                    help=f'write `alertname=~"{matcher.value}_.+"`, or set `alert_names: plain`',
                )
