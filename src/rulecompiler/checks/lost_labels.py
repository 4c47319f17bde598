"""RC410: an annotation or label that shows a label which the alert cannot have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.labelflow import describe

_ACTION = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_LABEL = re.compile(r"\$labels\.([A-Za-z_][A-Za-z0-9_]*)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_ASKS = re.compile(r"\{\{-?\s*(?:else\s+)?(?:if|with)\b")


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each `$labels.x` that is always empty, unless an `if` or `with` reckons with it."""
    if not rule.is_alert:
        return
    for field, texts in (("annotations", rule.annotations), ("labels", rule.labels)):
        for name, text in texts.items():
            for label in _shown(text):
                if not rule.flow.may(label):
                    loser = rule.analysis.loser(rule.query, label)
                    yield Finding(
                        "RC410",
                        f"`$labels.{label}` is always empty: `{describe(loser)}` leaves no such label",
                        At((field, name)),
                        Severity.WARNING,
                        label=f"shows `{label}`",
                        help=_help(rule, label),
                    )


def _shown(text: str) -> list[str]:
    if "$labels." not in text:
        return []
    actions = [_STRING.sub("", action) for action in _ACTION.findall(text)]
    asked = {label for action in actions if _ASKS.match(action) for label in _LABEL.findall(action)}
    shown = dict.fromkeys(label for action in actions for label in _LABEL.findall(action))
    return [label for label in shown if label not in asked]


def _help(rule: Subject, label: str) -> str:
    if label in rule.labels:
        return f"`$labels` holds the labels of the query's result only: write the rule's own `{label}` out"
    return f"keep `{label}` in the query, or take it out of the text"
