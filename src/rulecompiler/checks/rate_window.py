"""RC409: a rate over a window that holds too few samples."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.rate_of_gauge import RATES
from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.promql.tree import Call, Selector

_NEEDS_TWO = RATES | {"delta", "idelta", "deriv"}
_PARAM = re.compile(r"\[\s*\$\{\s*([A-Za-z_]\w*)\s*\}\s*\]")


def check(rule: Subject) -> Iterator[Finding]:
    """Yields a warning below two scrape intervals, an info below four."""
    interval = rule.settings.scrape_interval
    for node in rule.nodes:
        if (
            not isinstance(node, Call)
            or node.name not in _NEEDS_TWO
            or not isinstance(node.args[0], Selector)
        ):
            continue
        window = node.args[0].window or 0.0
        if 0 < window < 2 * interval:
            yield Finding(
                "RC409",
                f"a window of {_seconds(window)} holds fewer than the two samples that `{node.name}` needs",
                _place(rule, node.args[0]),
                Severity.WARNING,
                label=f"targets are scraped every {_seconds(interval)}",
                help=f"use at least {_seconds(4 * interval)}, or correct `lint.scrape_interval`",
            )
        elif 0 < window < 4 * interval:
            yield Finding(
                "RC409",
                f"a window of {_seconds(window)} is blind as soon as scrapes fail",
                _place(rule, node.args[0]),
                Severity.INFO,
                label=f"targets are scraped every {_seconds(interval)}",
                help=f"use at least {_seconds(4 * interval)}, or correct `lint.scrape_interval`",
            )


def _place(rule: Subject, selector: Selector) -> At:
    """Where the window's value was written, if just one parameter can have given it."""
    names = set(_PARAM.findall(rule.template.expr))
    if len(names) == 1 and rule.template.expr.count("[") == len(_PARAM.findall(rule.template.expr)):
        return At(("params", names.pop()))
    return rule.near(selector.metric or "")


def _seconds(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes:.0f}m" if minutes and not rest else f"{seconds:g}s"
