"""RC417: a label whose value changes from one evaluation to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity

_VARIES = re.compile(r"\{\{[^}]*?(\$value\b|\.Value\b|(?<![\w.$\"])now\b)[^}]*\}\}")
# A condition gives few texts, which is how a severity is chosen by the value.
_ASKS = re.compile(r"\{\{-?\s*(?:else\s+)?if\b[^}]*\}\}")


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each label that shows the value: each change of it is another alert."""
    if not rule.is_alert:
        return
    for name, text in rule.labels.items():
        found = _VARIES.search(_ASKS.sub("", text)) if "{{" in text else None
        if found:
            late = ", and never fires while it changes" if rule.waits else ""
            yield Finding(
                "RC417",
                f"the label `{name}` changes with `{found[1]}`: the alert starts over each time{late}",
                At(("labels", name)),
                Severity.WARNING,
                label="part of the alert's identity",
                help="show it in an annotation",
            )
