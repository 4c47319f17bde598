"""For each check of a rule: what it must find, and what it must not."""

from __future__ import annotations

import pytest

from rulecompiler.checks.catalogue import CODES, GROUP_CHECKS, REPO_CHECKS, RULE_CHECKS
from rulecompiler.checks.subject import LintSettings
from rulecompiler.codes import TITLES
from rulecompiler.diagnostics import Severity
from rulecompiler.model import Options
from tests.helpers import lint_texts, repo

COMPLETE = "labels: {severity: warning}\nannotations: {summary: s, runbook_url: u}\n"
RATE = "sum by (job) (rate(x_total[5m])) > 1"


def found(text: str, code: str, settings: LintSettings | None = None, **options: str) -> list[Severity]:
    """The severities of what a check says of an alert, or of a query."""
    if "expr:" not in text:
        text = f"expr: |\n  {text}\n"
    if "alert:" not in text and "record:" not in text:
        text = f"alert: A\n{text}"
    if "alert:" in text:
        text += "".join(f"{line}\n" for line in COMPLETE.splitlines() if line.split(":")[0] + ":" not in text)
    name = "r:x:y" if "record: r:x:y" in text else "A"
    files = repo({name: text}, {"g": f"rules: {{'{name}': {{}}}}"})
    chosen = Options(alert_names="plain") if options else Options()
    return [d.severity for d in lint_texts(files, settings, chosen) if d.code == code]


BAD: dict[str, list[str]] = {
    "RC405": ["x", "rate(x[5m])", "x > bool 1", "x > 1 or y", "sum(x) / sum(y)", "-x"],
    "RC406": ["x_total > 5", "5 < x_total", "sum by (a) (x_total) >= 5", "max(x_total{a='b'}) > 1e9"],
    "RC407": [
        "rate(up[5m]) > 1",
        "increase(cpu_temp_celsius[5m]) > 1",
        "irate(node_load5[5m]) > 1",
        "rate(job:x:rate5m[5m]) > 1",
        "rate(job:x:sum_rate[5m]) > 1",
        "rate(kube_deployment_spec_replicas[5m]) > 1",
    ],
    "RC408": [
        "rate(sum(x_total)[5m:]) > 1",
        "increase(rate(x_total[5m])[1h:]) > 1",
        "rate((a_total + b_total)[5m:]) > 1",
    ],
    "RC409": ["rate(x[20s]) > 1", "increase(x[1s]) > 1", "deriv(x[29s]) > 1"],
    "RC410": [
        "expr: sum by (job) (x) > 1\nannotations: {summary: '{{ $labels.pod }}', runbook_url: u}\n",
        "expr: x > on (a) y\nannotations: {summary: '{{ $labels.b | title }}', runbook_url: u}\n",
        "expr: sum(x) > 1\nlabels: {severity: warning, pod: '{{ $labels.pod }}'}\n",
        "expr: sum(x) > 1\nannotations: {summary: '{{ $labels.severity }}', runbook_url: u}\n",
        "expr: absent(x)\nannotations: {summary: '{{ printf \"%s\" $labels.pod }}', runbook_url: u}\n",
    ],
    "RC411": ["x{a='1'} / y{a='2'} > 1", "x / sum(y) > 1", "x unless sum by (job) (y{job='b'})"],
    "RC412": [
        "x * on (a) group_left (b) sum by (a) (y) > 1",
        "sum by (a) (y) * on (a) group_right (b) x > 1",
    ],
    "RC413": [
        "rate(x{code='500'}[5m]) / rate(x[5m]) > 0.1",
        "x{a='1'} / x > 0.1",
        "sum(abs(x{a='1'}) / abs(x)) > 1",
    ],
    "RC414": ["avg(a / b) > 1", "avg by (job) (100 * (a / b)) > 1"],
    "RC415": ["x{a=~'b'} > 1", "x{a!~'b'} > 1", "x{a=~'^b.+'} > 1", "x{a=~'b.+$'} > 1", "x{a=~'.*'} > 1"],
    "RC416": ["absent(x)", "topk(3, x) > 1", "absent(x)\nfor: 0s"],
    "RC417": [
        "expr: x > 1\nlabels: {severity: warning, v: '{{ $value }}'}\n",
        "expr: x > 1\nfor: 5m\nlabels: {severity: warning, v: '{{ printf \"%f\" .Value }}'}\n",
        "expr: x > 1\nlabels: {severity: warning, v: 'a {{ $value | humanize }}'}\n",
    ],
    "RC418": [f"expr: {RATE}\nannotations: {{description: d, summary: s}}\n"],
    "RC419": [
        f"expr: {RATE}\nlabels: {{severity: page}}\n",
        f"expr: {RATE}\nlabels: {{severity: Critical}}\n",
    ],
    "RC420": ["record: A\nexpr: sum(x)\n", "record: A:b:c:d:e\nexpr: sum(x)\n"],
    "RC421": ["x > 1 unless on (job) ALERTS{alertname='A'}"],
}

GOOD: dict[str, list[str]] = {
    "RC405": [
        "x > 1",
        "x unless y",
        "x and y",
        "absent(x)",
        "scope: false\nexpr: vector(1)\n",
        "ALERTS{alertstate='firing'}",
        "sum(x > 1)",
        "record: r:x:y\nexpr: x\n",
        "scope: false\nexpr: 1 == bool 1\n",
    ],
    "RC406": [
        "x_total > 0",
        "x_total == 5",
        "rate(x_total[5m]) > 5",
        "x_total - x_total offset 1h > 5",
        "changes(x_total[5m]) > 2",
        "count(x_total) > 5",
        "x_total offset 1h > 5",
        "timestamp(x_total) > 5",
        "a_total / b_total > 0.5",
        "job:x_total > 5",
        "x_created > 5",
        "(time() - x_total) > 5",
    ],
    "RC407": [
        RATE,
        "rate(x[5m]) > 1",
        "rate(x_bytes[5m]) > 1",
        "increase(group_total[5m]) > 1",
        "rate(up_total[5m]) > 1",
        "rate(job:x:sum[5m]) > 1",
        "delta(node_load1[5m]) > 1",
        "rate({__name__=~'a|b'}[5m]) > 1",
        "rate(x:errors_rated[5m]) > 1",
    ],
    "RC408": [
        "rate(x_total[5m:1m]) > 1",
        "max_over_time(sum(rate(x_total[5m]))[1h:]) > 1",
        "rate(max(x_total)[5m:]) > 1",
        "rate((x_total * 2)[5m:]) > 1",
    ],
    "RC409": ["rate(x[1m]) > 1", "avg_over_time(x[5s]) > 1", "rate(x[30s:1s]) > 1", "rate(x[1s + 1s]) > 1"],
    "RC410": [
        "expr: sum by (job) (x) > 1\nannotations: {summary: '{{ $labels.job }}', runbook_url: u}\n",
        "expr: x > 1\nannotations: {summary: '{{ $labels.anything }}', runbook_url: u}\n",
        "expr: sum(x) > 1\nannotations: {summary: '{{ if $labels.a }}{{ $labels.a }}{{ end }}'}\n",
        "expr: sum(x) > 1\nannotations: {summary: '{{ with $labels.a }}{{ . }}{{ end }}', runbook_url: u}\n",
        "expr: sum(x) > 1\nannotations: {summary: 'say {{ \"$labels.a\" }}', runbook_url: u}\n",
        "expr: sum(x) > 1\nannotations: {summary: 'write $labels.a', runbook_url: u}\n",
        "expr: absent(x{pod='a'})\nannotations: {summary: '{{ $labels.pod }}', runbook_url: u}\n",
        "expr: x > on (a) group_left y\nannotations: {summary: '{{ $labels.b }}', runbook_url: u}\n",
        "record: r:x:y\nexpr: sum(x)\nlabels: {a: '{{ $labels.b }}'}\n",
    ],
    "RC411": [
        "x / y > 1",
        "x / on (job) sum by (job) (y) > 1",
        "sum(x) / sum(y) > 1",
        "x{a='1'} / ignoring (a) y{a='2'} > 1",
        "sum by (group_id) (x) / sum by (group_id) (y) > 1",
        "x{a='1'} or y{a='2'} > 1",
        "x > 1 and on () sum(y) > 1",
    ],
    "RC412": ["x * on (a) group_left (b) y > 1", "x * on (a) group_left sum by (a) (y) > 1"],
    "RC413": [
        "sum(x{a='1'}) / sum(x) > 1",
        "rate(x[5m]) / rate(x[1h]) > 2",
        "x / x offset 1h > 2",
        "x{a='1'} / ignoring (a) x{a='2'} > 1",
        "x{a='1'} / on (b) x > 1",
        "x / y > 1",
        "max_over_time(x[1h]) / min_over_time(x[1h]) > 2",
        "rate(x[5m]) / x > 1",
    ],
    "RC414": ["avg(a) / avg(b) > 1", "avg(a / 100) > 1", "max(a / b) > 1"],
    "RC415": [
        "x{a=~'b|c'} > 1",
        "x{a=~'b.*'} > 1",
        "x{a=~'.+'} > 1",
        "x{a='^b$'} > 1",
        "x{a=~'b\\\\$'} > 1",
        "x{a=~'a.b'} > 1",
        "params: {p: {type: string, format: regex, default: b}}\nexpr: x{a=~'${p}'} > 1\n",
    ],
    "RC416": ["absent_over_time(x[5m])", "topk(3, x) > 1\nfor: 5m", "absent(x)\nfor: 5m", "max(x) > 1"],
    "RC417": [
        "expr: x > 1\nlabels: {severity: '{{ if gt $value 5.0 }}critical{{ else }}warning{{ end }}'}\n",
        "expr: x > 1\nlabels: {severity: warning, v: '{{ $labels.value }}'}\n",
        "expr: x > 1\nannotations: {summary: '{{ $value }}', runbook_url: u}\n",
        "record: r:x:y\nexpr: x\nlabels: {v: '{{ $value }}'}\n",
    ],
    "RC418": [RATE, "record: r:x:y\nexpr: x\n"],
    "RC419": [
        RATE,
        f"expr: {RATE}\nlabels: {{severity: critical}}\n",
        f"expr: {RATE}\nlabels: {{severity: '{{{{ $labels.a }}}}'}}\n",
    ],
    "RC420": ["record: r:x:y\nexpr: sum(x)\n", RATE],
    "RC421": [
        "x > 1 unless on (job) ALERTS{alertname='B'}",
        "x > 1 unless on (job) ALERTS{alertname=~'A_.+'}",
    ],
}


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(code, text) for code, texts in table.items() for text in texts]


@pytest.mark.parametrize(("code", "text"), cases(BAD))
def test_what_is_found(code: str, text: str) -> None:
    assert len(found(text, code)) == 1


@pytest.mark.parametrize(("code", "text"), cases(GOOD))
def test_what_is_left_alone(code: str, text: str) -> None:
    assert found(text, code) == []


def test_each_check_has_its_code_and_its_cases() -> None:
    assert len(RULE_CHECKS) == len(BAD) == len(GOOD)
    assert len(CODES) == len(RULE_CHECKS) + len(GROUP_CHECKS) + len(REPO_CHECKS)
    assert set(TITLES) >= CODES


def test_only_what_can_never_work_is_an_error() -> None:
    for code, text in cases(BAD):
        assert code == "RC411" or Severity.ERROR not in found(text, code)
    assert found("x{a='1'} / y{a='2'} > 1", "RC411") == [Severity.ERROR]
    assert found("x{a='1'} / y{a='2'} > 1 or x > 1", "RC411") == [Severity.WARNING]
    assert found("sum by (a) (x) / sum by (a, b) (y) > 1", "RC411") == [Severity.INFO]
    assert found("x{a!~'.*'} > 1", "RC415") == [Severity.WARNING]


def test_windows_depend_on_the_scrape_interval() -> None:
    slow = LintSettings(scrape_interval=60.0)
    assert found("rate(x[1m]) > 1", "RC409") == []
    assert found("rate(x[1m]) > 1", "RC409", slow) == [Severity.WARNING]
    assert found("rate(x[3m]) > 1", "RC409", slow) == [Severity.INFO]
    assert found("rate(x[40s]) > 1", "RC409") == [Severity.INFO]


def test_what_the_settings_ask_for() -> None:
    asks = LintSettings(severities=("page",), annotations=("summary",), labels=("team",))
    assert found(f"expr: {RATE}\nlabels: {{severity: page}}\n", "RC419", asks) == []
    assert found(RATE, "RC419", asks) == [Severity.WARNING]
    assert found(f"expr: {RATE}\nannotations: {{summary: s}}\n", "RC418", asks) == [Severity.INFO]
    assert found(f"expr: {RATE}\nlabels: {{severity: page, team: a}}\n", "RC418", asks) == []


def test_plain_names_are_in_alerts() -> None:
    assert found("x > 1 unless on (job) ALERTS{alertname='A'}", "RC421", alert_names="plain") == []


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
