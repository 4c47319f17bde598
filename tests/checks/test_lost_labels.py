from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import severities
from tests.helpers import lint_texts, repo

BAD = [
    "expr: sum by (job) (x) > 1\nannotations: {summary: '{{ $labels.pod }}', runbook_url: u}\n",
    "expr: x > on (a) y\nannotations: {summary: '{{ $labels.b | title }}', runbook_url: u}\n",
    "expr: sum(x) > 1\nlabels: {severity: warning, pod: '{{ $labels.pod }}'}\n",
    "expr: sum(x) > 1\nannotations: {summary: '{{ $labels.severity }}', runbook_url: u}\n",
    "expr: absent(x)\nannotations: {summary: '{{ printf \"%s\" $labels.pod }}', runbook_url: u}\n",
]
GOOD = [
    "expr: sum by (job) (x) > 1\nannotations: {summary: '{{ $labels.job }}', runbook_url: u}\n",
    "expr: x > 1\nannotations: {summary: '{{ $labels.anything }}', runbook_url: u}\n",
    "expr: sum(x) > 1\nannotations: {summary: '{{ if $labels.a }}{{ $labels.a }}{{ end }}'}\n",
    "expr: sum(x) > 1\nannotations: {summary: '{{ with $labels.a }}{{ . }}{{ end }}', runbook_url: u}\n",
    "expr: sum(x) > 1\nannotations: {summary: 'say {{ \"$labels.a\" }}', runbook_url: u}\n",
    "expr: sum(x) > 1\nannotations: {summary: 'write $labels.a', runbook_url: u}\n",
    "expr: absent(x{pod='a'})\nannotations: {summary: '{{ $labels.pod }}', runbook_url: u}\n",
    "expr: x > on (a) group_left y\nannotations: {summary: '{{ $labels.b }}', runbook_url: u}\n",
    "record: r:x:y\nexpr: sum(x)\nlabels: {a: '{{ $labels.b }}'}\n",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC410")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC410") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC410")]


def test_what_a_record_leaves_is_known_where_it_is_asked_for() -> None:
    files = repo(
        {
            "R": "record: job:x:sum\nexpr: sum by (job) (x)\n",
            "A": "alert: A\nrequires: ['job:x:sum']\nexpr: job:x:sum > 1\n"
            "labels: {severity: warning}\nannotations: {summary: '{{ $labels.pod }} {{ $labels.job }}'}\n",
        },
        {"g": "scope: {dc: a}\nrules: {A: {}}"},
    )
    (finding,) = (d for d in lint_texts(files) if d.code == "RC410")
    assert finding.message == "`$labels.pod` is always empty: `job:x:sum` leaves no such label"
    labelled = {path: text.replace("{A: {}}", "{A: {}}\nlabels: {pod: p}") for path, text in files.items()}
    assert "RC410" not in {d.code for d in lint_texts(labelled)}
