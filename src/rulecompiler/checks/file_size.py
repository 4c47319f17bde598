"""RC430: a compiled file that no ConfigMap holds."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Severity

LARGEST = 1024 * 1024
"""Bytes of all the data of a ConfigMap; Kubernetes documents 1 MiB."""


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each group whose file alone is larger."""
    for place, size in view.sizes.items():
        if size > LARGEST:
            yield Diagnostic(
                "RC430",
                f"the compiled file of this group has {size:,} bytes, more than a ConfigMap holds",
                place,
                label="one file a group",
                help="split the group if its rules go to Kubernetes",
                severity=Severity.INFO,
            )
