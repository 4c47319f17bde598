"""What lint says of one rule, or of one or two groups."""

from __future__ import annotations

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.model import Options
from tests.helpers import lint_texts, repo

COMPLETE = "labels: {severity: warning}\nannotations: {summary: s, runbook_url: u}\n"
RATE = "sum by (job) (rate(x_total[5m])) > 1"


def severities(text: str, code: str, settings: LintSettings | None = None, **options: str) -> list[Severity]:
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


PARAMS = "params: {t: {type: number, default: 80}, w: {type: string, format: duration, default: 5m}}\n"
SHELF = {
    "A": f"alert: A\n{PARAMS}expr: rate(x[${{w}}]) > ${{t}}\nfor: 5m\n{COMPLETE}",
    "L": f"alert: L\n{PARAMS}expr: rate(x[${{w}}]) < ${{t}}\n{COMPLETE}",
    "M": f"alert: M\n{PARAMS}expr: ${{t}} < rate(x[${{w}}])\n{COMPLETE}",
    "R": "record: job:x:sum\nexpr: sum by (job) (x)\n",
    "U": "record: plain\nexpr: sum by (job) (x)\n",
    "V": "record: job:v:sum\nscope: false\nexpr: sum by (job) (x)\n",
    "C": f"alert: C\nexpr: job:x:sum > 1\n{COMPLETE}",
    "D": f"alert: D\nexpr: plain > 1\n{COMPLETE}",
    "E": f"alert: E\nexpr: job:v:sum > 1\n{COMPLETE}",
    "F": f"alert: F\nrequires: ['job:x:sum']\nexpr: job:x:sum > 1\n{COMPLETE}",
    "S": f"alert: S\nscope: false\nexpr: job:x:sum > 1\n{COMPLETE}",
    "N": f"alert: N\nunscoped: ['job:x:sum']\nexpr: x > 1 and on (job) job:x:sum > 1\n{COMPLETE}",
}


def found(code: str, *groups: str) -> list[Diagnostic]:
    """What a check says of the groups `g` and `h`, which use the templates of the shelf."""
    names = ["g", "h"]
    files = repo(SHELF, dict(zip(names, groups, strict=False)))
    return [d for d in lint_texts(files) if d.code == code]


PAIR = "rules: {{{t}: {{params: {{t: 80}}}}, Crit: {{template: {t}, {more}labels: {{severity: critical}}}}}}"


def pair(template: str, more: str = "") -> str:
    """A warning at 80 and a critical rule of the same template."""
    return PAIR.format(t=template, more=more)
