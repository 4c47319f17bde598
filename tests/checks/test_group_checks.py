"""For each check of a group or of the repo: what it must find, and what it must not."""

from __future__ import annotations

import pytest

from rulecompiler.checks.file_size import LARGEST
from rulecompiler.checks.file_size import check as file_size
from rulecompiler.checks.group_view import RepoView
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity
from tests.helpers import lint_texts, repo

TEXTS = "labels: {severity: warning}\nannotations: {summary: s, runbook_url: u}\n"
PARAMS = "params: {t: {type: number, default: 80}, w: {type: string, format: duration, default: 5m}}\n"
SHELF = {
    "A": f"alert: A\n{PARAMS}expr: rate(x[${{w}}]) > ${{t}}\nfor: 5m\n{TEXTS}",
    "L": f"alert: L\n{PARAMS}expr: rate(x[${{w}}]) < ${{t}}\n{TEXTS}",
    "M": f"alert: M\n{PARAMS}expr: ${{t}} < rate(x[${{w}}])\n{TEXTS}",
    "R": "record: job:x:sum\nexpr: sum by (job) (x)\n",
    "U": "record: plain\nexpr: sum by (job) (x)\n",
    "V": "record: job:v:sum\nscope: false\nexpr: sum by (job) (x)\n",
    "C": f"alert: C\nexpr: job:x:sum > 1\n{TEXTS}",
    "D": f"alert: D\nexpr: plain > 1\n{TEXTS}",
    "E": f"alert: E\nexpr: job:v:sum > 1\n{TEXTS}",
    "F": f"alert: F\nrequires: ['job:x:sum']\nexpr: job:x:sum > 1\n{TEXTS}",
    "S": f"alert: S\nscope: false\nexpr: job:x:sum > 1\n{TEXTS}",
    "N": f"alert: N\nunscoped: ['job:x:sum']\nexpr: x > 1 and on (job) job:x:sum > 1\n{TEXTS}",
}


def found(code: str, *groups: str) -> list[Diagnostic]:
    names = ["g", "h"]
    files = repo(SHELF, dict(zip(names, groups, strict=False)))
    return [d for d in lint_texts(files) if d.code == code]


PAIR = "rules: {{{t}: {{params: {{t: 80}}}}, Crit: {{template: {t}, {more}labels: {{severity: critical}}}}}}"


def pair(template: str, more: str = "") -> str:
    return PAIR.format(t=template, more=more)


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("RC422", ["interval: 10m\nrules: {A: {}}"]),
        ("RC422", ["interval: 10m\nrules: {A: {for: 9m}}"]),
        ("RC423", [pair("A")]),
        ("RC423", [pair("A", "params: {t: 70}, ")]),
        ("RC423", [pair("A", "for: 1m, ")]),
        ("RC423", [pair("L", "params: {t: 90}, ")]),
        ("RC424", ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: 9}}}"]),
        ("RC424", ["rules: {A: {for: 9m}}", "parent: g\nrules: {A: {for: 9m}}"]),
        ("RC424", ["params: {t: 9}\nrules: {A: {}}", "parent: g\nrules: {A: {params: {t: 9}}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, params: {t: 80}}}"]),
        ("RC426", ["rules: {C: {}}"]),
        ("RC426", ["rules: {C: {}, 'job:x:sum': {enabled: false}}"]),
        ("RC426", ["rules: {C: {}}", "rules: {'job:x:sum': {}}"]),
    ],
)
def test_what_is_found(code: str, groups: list[str]) -> None:
    assert len(found(code, *groups)) == 1


@pytest.mark.parametrize(
    ("code", "groups"),
    [
        ("RC422", ["rules: {A: {}}"]),
        ("RC422", ["interval: 5m\nrules: {A: {}}"]),
        ("RC422", ["interval: 10m\nrules: {L: {}}"]),
        ("RC423", [pair("A", "params: {t: 90}, ")]),
        ("RC423", [pair("A", "for: 15m, ")]),
        ("RC423", [pair("L", "params: {t: 70}, ")]),
        ("RC423", [pair("M", "params: {t: 70}, ")]),
        ("RC423", [pair("A", "params: {t: 70, w: 30m}, ")]),
        ("RC423", [pair("A", "where: {dc: a}, ")]),
        ("RC423", ["rules: {A: {labels: {severity: page}}, B: {template: A, labels: {severity: critical}}}"]),
        ("RC424", ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: 8}}}"]),
        ("RC424", ["rules: {A: {}}", "parent: g\nrules: {A: {params: {t: 80}, for: 5m}}"]),
        ("RC424", ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {A: {params: {t: null}}}"]),
        ("RC424", ["rules: {A: {params: {t: 9}}}", "parent: g\nrules: {B: {template: A, params: {t: 9}}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, params: {t: 81}}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, for: 6m}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, labels: {team: b}}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, where: {dc: a}}}"]),
        ("RC425", ["rules: {A: {}, B: {template: A, enabled: false}}"]),
        ("RC425", ["rules: {A: {}}", "rules: {A: {}}"]),
        ("RC426", ["rules: {F: {}}"]),
        ("RC426", ["rules: {C: {}, 'job:x:sum': {}}"]),
        ("RC426", ["rules: {'job:x:sum': {}}", "parent: g\nrules: {C: {}}"]),
        ("RC426", ["abstract: true\nrules: {C: {}}"]),
        ("RC426", ["rules: {D: {}, E: {}, S: {}, N: {}}"]),
    ],
)
def test_what_is_left_alone(code: str, groups: list[str]) -> None:
    assert found(code, *groups) == []


def test_a_looser_critical_says_by_how_much() -> None:
    (finding,) = found("RC423", pair("A", "params: {t: 70}, "))
    assert finding.message == "`Crit` is critical at a looser `t` than `A`, which is warning"
    assert finding.label == "> 70"
    assert [related.text for related in finding.related] == ["warning: > 80"]
    assert finding.place == Pointer("alerts/groups/g.yaml", ("rules", "Crit", "params", "t"))


def test_templates_and_records_that_nobody_uses() -> None:
    group = "rules: {F: {}, plain: {}, A: {enabled: false}}"
    unused = {d.message for d in found("RC427", group)}
    assert unused == {f"no group uses the template `{name}`" for name in "LMVCDESN"}
    assert [d.message for d in found("RC428", group)] == ["no rule asks for the record `plain`"]
    assert len(found("RC429", group)) == sum(text.startswith("alert") for text in SHELF.values())


def test_a_file_that_no_config_map_holds() -> None:
    places = {Pointer("a"): LARGEST, Pointer("b"): LARGEST + 1}
    (finding,) = file_size(RepoView((), frozenset(), frozenset(), places))
    assert (finding.place, finding.severity) == (Pointer("b"), Severity.INFO)
