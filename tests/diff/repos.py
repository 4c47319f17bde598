"""Two states of a small repo in memory, and the plan between them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from rulecompiler.diff.model import Action, Plan, RuleChange, SideName
from rulecompiler.inputs import SETTINGS_FILE, Inputs, SourceTexts, read_settings
from rulecompiler.settings import Settings
from rulecompiler.sources import RawFile
from rulecompiler.two_sides import Named, compare
from tests.helpers import TEMPLATES, repo

Files = Mapping[str, str | bytes]


def cpu(threshold: int = 80, *, extra: str = "", expr: str = "cpu_busy > ${threshold}") -> str:
    """A template with a parameter that its query and a text show."""
    return (
        f"alert: HighCPU\nparams: {{threshold: {{type: number, default: {threshold}}}}}\nexpr: {expr}\n"
        f"for: 5m\nlabels: {{severity: warning}}\n"
        f"annotations: {{summary: 'busy above ${{threshold}}% in ${{group.name}}'}}\n{extra}"
    )


DOWN = "alert: NodeDown\nexpr: up == 0\nfor: 1m\nlabels: {severity: critical}\n"
BASE: Mapping[str, str | bytes] = repo(
    {"node/HighCPU": cpu(), "node/NodeDown": DOWN},
    {
        "all": "scope: {}\nrules: {HighCPU: {}, NodeDown: {}}",
        "web": "parent: all\nname: web shop\nrules: {HighCPU: {params: {threshold: 70}}}",
        "db": "parent: all\nrules: {HighCPU: {for: 15m}}",
    },
)


def inputs(files: Files) -> Inputs:
    """What lies in a repo, as if it had been read from disk."""
    raw = []
    for path, content in sorted(files.items()):
        data = content if isinstance(content, bytes) else dedent(content).encode()
        raw.append(RawFile(path, data, hashlib.sha256(data).hexdigest()))
    faults = []  # type: ignore[var-annotated]
    written = next((read_settings(r, faults) for r in raw if r.path == SETTINGS_FILE), None)
    alerts = tuple(r for r in raw if r.path != SETTINGS_FILE)
    return Inputs(
        Path("/nowhere"),
        written.settings if written is not None else Settings(),
        tuple(r for r in alerts if r.path.startswith(TEMPLATES)),
        tuple(r for r in alerts if not r.path.startswith(TEMPLATES)),
        {},
        SourceTexts(raw),
        written,
        tuple(faults),
    )


def plan_of(old: Files, new: Files, jobs: int = 1) -> Plan:
    """The plan from one set of files to another."""
    return compare(Named(SideName("main"), inputs(old)), Named(SideName("HEAD"), inputs(new)), jobs)


def edit(files: Files, changed: Mapping[str, str | bytes | None]) -> Files:
    """The files with some others; None takes one away."""
    merged = {**files, **changed}
    return {path: content for path, content in merged.items() if content is not None}


def shown(plan: Plan) -> list[str]:
    """One line a change: `~ web/HighCPU threshold 70 → 75`."""
    return [line(change) for change in plan.changes]


def line(change: RuleChange) -> str:
    """A change as a line for a table of what must come out."""
    words = [change.action.symbol, f"{change.rule.group_id}/{change.rule.key}"]
    words += [f"{f.label} {f.old} → {f.new}" for f in change.fields]
    if change.why:
        words.append(f"({change.why})")
    words += [f"[by {c.group_id}{f' for {c.slice}' if c.slice else ''}]" for c in change.covered_by]
    words += [f"[from {c.group_id}{f' for {c.slice}' if c.slice else ''}]" for c in change.takes_over]
    words += [f"[nobody for {c.slice}]" for c in change.uncovered]
    return " ".join(words)


__all__ = ["BASE", "DOWN", "Action", "cpu", "edit", "inputs", "line", "plan_of", "shown"]
