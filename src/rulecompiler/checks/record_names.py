"""RC420: a record whose name does not say what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity

_CONVENTION = re.compile(r"[A-Za-z_]\w*(?::\w+){1,3}")


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for a record that is not named `level:metric:operations`."""
    name = rule.rule.title
    if not rule.is_alert and not _CONVENTION.fullmatch(name):
        yield Finding(
            "RC420",
            f"the record `{name}` is not named by the convention `level:metric:operations`",
            At(("record",)),
            Severity.INFO,
            label="looks like a metric of an exporter",
            help="name it by its labels, its metric and what was done to it, such as `job:errors:rate5m`",
        )
