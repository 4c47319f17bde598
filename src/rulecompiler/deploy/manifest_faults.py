"""What Kubernetes does not take, and what is left to do with manifests, in words."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rulecompiler.deploy.rule_groups import Group
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic, Severity, Span


def cut(group: Group, parts: int) -> Diagnostic:
    """A group in several (RC887)."""
    return Diagnostic(
        "RC887",
        f"the group {group.name} is too large for an object of Kubernetes, and was cut into {parts}",
        Span(group.file, 1, 1, 1, 1),
        help="split it by category: the parts are evaluated side by side, so that a rule may read what "
        "a record of another part has not written yet",
        severity=Severity.WARNING,
    )


def rule_too_large(group: Group, rule: Mapping[str, Any], max_bytes: int) -> Diagnostic:
    """A rule that no object can hold (RC887)."""
    name = rule.get("alert") or rule.get("record")
    return Diagnostic(
        "RC887",
        f"the rule {name} of the group {group.name} is larger than the {max_bytes // 1024} KiB of an object",
        Span(group.file, 1, 1, 1, 1),
        help="shorten its query or its annotations",
    )


def file_too_large(name: str, max_bytes: int) -> Diagnostic:
    """A file that no ConfigMap can hold (RC887)."""
    return Diagnostic(
        "RC887",
        f"{name} is larger than the {max_bytes // 1024} KiB of a ConfigMap",
        Span(name, 1, 1, 1, 1),
        help="split the group in two, or use a target of the kind `prometheusrule`, which can cut a file",
    )


def not_applied(folder: Path, target: Target, written: int, removed: Sequence[str]) -> Diagnostic:
    """Manifests are files; somebody has to hand them to the cluster (RC888)."""
    kind = target.kind
    gone = " ".join(name.removesuffix(".yaml") for name in removed)
    delete = f", and `kubectl delete {kind} --namespace {target.namespace} {gone}`" if gone else ""
    # Client-side, kubectl keeps a copy of the object in an annotation, which holds 256 KiB at most.
    apply = f"`kubectl apply --server-side -f {shlex.quote(str(folder))}`"
    return Diagnostic(
        "RC888",
        f"{written} manifests were written and {len(removed)} removed in `{folder}`; what the cluster runs "
        "was not looked at",
        help=f"commit the folder, if a controller applies it from git; otherwise run {apply}{delete}",
        severity=Severity.INFO,
    )
