from __future__ import annotations

from typing import Any

import pytest

from rulecompiler.checks.subject import LintSettings
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity
from rulecompiler.lint import read_settings
from rulecompiler.model import Document
from tests.helpers import lint_texts, repo

TEXTS = "annotations: {summary: s, runbook_url: u}\n"
WINDOW = (
    "alert: A\nparams: {w: {type: string, format: duration, default: 5m}, t: {type: number, default: 1}}\n"
    f"expr: rate(x[${{w}}]) > ${{t}}\nlabels: {{severity: warning}}\n{TEXTS}"
)


def lint(templates: dict[str, str], groups: dict[str, str], **settings: Any) -> list[Diagnostic]:
    found = lint_texts(repo(templates, groups), LintSettings(**settings))
    return [d for d in found if d.code != "RC429"]


def test_a_template_is_blamed_once_whatever_the_groups_numbers() -> None:
    templates = {
        "A": f"alert: A\nparams: {{t: {{type: number, default: 1}}}}\nexpr: x_total > ${{t}}\n{TEXTS}"
    }
    groups = {
        f"g{n}": f"labels: {{severity: warning}}\nrules: {{A: {{params: {{t: {n + 1}}}}}}}" for n in range(5)
    }
    (finding,) = lint(templates, groups)
    assert (finding.code, finding.place) == (
        "RC406",
        Pointer("alerts/templates/A.yaml", ("expr",), False, 0, 7),
    )


def test_zero_is_another_number() -> None:
    templates = {
        "A": f"alert: A\nparams: {{t: {{type: number, default: 1}}}}\nexpr: x_total > ${{t}}\n{TEXTS}"
    }
    groups = {"g": "labels: {severity: warning}\nrules: {A: {params: {t: 0}}}"}
    assert lint(templates, groups) == []


def test_whoever_wrote_a_value_is_blamed_for_it() -> None:
    groups = {
        "g": "rules: {A: {params: {w: 10s}}}",
        "h": "params: {w: 10s}\nrules: {A: {}}",
        "i": "rules: {A: {}}",
    }
    assert [(d.code, d.place) for d in lint({"A": WINDOW}, groups)] == [
        ("RC409", Pointer("alerts/groups/g.yaml", ("rules", "A", "params", "w"))),
        ("RC409", Pointer("alerts/groups/h.yaml", ("params", "w"))),
    ]
    groups = {"g": "rules: {A: {labels: {severity: page}, annotations: {summary: '{{ $labels.group }}'}}}"}
    assert [(d.code, d.place) for d in lint({"A": WINDOW}, groups)] == [
        ("RC419", Pointer("alerts/groups/g.yaml", ("rules", "A", "labels", "severity"))),
    ]


def test_a_scope_counts_where_it_surely_gives_a_label() -> None:
    templates = {"A": f"alert: A\nexpr: x / sum(y) > 1\nlabels: {{severity: warning}}\n{TEXTS}"}
    for scope, found in (
        ("{}", []),
        ("{dc: a}", ["RC411"]),
        ("{dc: {matches: a.+}}", ["RC411"]),
        ("{dc: {not: a}}", []),
        ("{dc: {matches: a.*|}}", []),
    ):
        assert [d.code for d in lint(templates, {"g": f"scope: {scope}\nrules: {{A: {{}}}}"})] == found, scope
    sliced = {"g": "scope: {}\nrules: {A: {where: {dc: a}}}"}
    assert [d.code for d in lint(templates, sliced)] == ["RC411"]


def test_a_query_that_depends_on_its_group() -> None:
    expr = '{% if group.id == "h" %}x{% else %}x > 1{% endif %}'
    templates = {"A": f"alert: A\nexpr: '{expr}'\nlabels: {{severity: warning}}\n{TEXTS}"}
    for groups in ("gh", "hg"):
        found = lint(templates, dict.fromkeys(groups, "rules: {A: {}}"))
        assert [d.code for d in found] == ["RC405"]


def test_what_cannot_be_read_is_left_to_the_others() -> None:
    templates = {
        "A": "alert: A\nexpr: x > ${t}\nparams: {t: {type: number}}\nlabels: {severity: warning}\n" + TEXTS
    }
    assert lint(templates, {"g": "rules: {A: {}}"}) == []
    newer = {"A": f"alert: A\nexpr: x offset -(1h + 1m) > 1\nlabels: {{severity: warning}}\n{TEXTS}"}
    assert lint(newer, {"g": "rules: {A: {}}"}) == []


def test_settings_change_severities() -> None:
    templates = {"A": f"alert: A\nexpr: x_total > 1\nlabels: {{severity: warning}}\n{TEXTS}"}
    groups = {"g": "rules: {A: {}}"}
    assert [d.severity for d in lint(templates, groups)] == [Severity.WARNING]
    assert [d.severity for d in lint(templates, groups, checks={"RC406": Severity.ERROR})] == [Severity.ERROR]
    assert lint(templates, groups, checks={"RC406": None}) == []


def test_comments_silence() -> None:
    templates = {
        "A": "# rulecompiler: disable=RC406 reason=why\nalert: A\nexpr: x_total > 1\n"
        f"labels: {{severity: info}}\n{TEXTS}"
    }
    assert lint(templates, {"g": "rules: {A: {}}"}) == []


SAME = f"expr: x > 1\nlabels: {{severity: warning}}\n{TEXTS}"


@pytest.mark.parametrize(
    ("code", "comment_in", "templates", "groups"),
    [
        (
            "RC431",
            "B",
            {"A": f"alert: A\n{SAME}", "B": f"alert: B\n{SAME}"},
            {"g": "rules: {A: {}, B: {where: {dc: b}}}"},
        ),
        ("RC432", "g", {"A": f"alert: A\n{SAME}", "B": f"alert: B\n{SAME}"}, {"g": "rules: {A: {}, B: {}}"}),
        ("RC433", "g", {"A": WINDOW}, {"g": "rules: {A: {}, B: {template: A, where: {dc: b}}}"}),
        (
            "RC434",
            "h",
            {"A": WINDOW},
            {"g": "rules: {A: {}}", "h": "parent: g\nrules: {A: {enabled: false}, B: {template: A}}"},
        ),
        (
            "RC435",
            "A",
            {"A": WINDOW.replace("summary: s", "summary: '{{ $value }}'")},
            {"g": "rules: {A: {}}"},
        ),
        ("RC436", "h", {"A": WINDOW}, {"g": "labels: {team: a}\nrules: {A: {}}", "h": "rules: {A: {}}"}),
        (
            "RC438",
            "A",
            {"A": WINDOW.replace("x[$", "a:b:x[$") + "scope: false\n", "R": "record: a:b:x\nexpr: sum(x)\n"},
            {"g": "rules: {A: {}}"},
        ),
        (
            "RC439",
            "h",
            {"A": WINDOW},
            {"g": "interval: 10s\nrules: {A: {}}", "h": "parent: g\ninterval: 10m\nrules: {A: {}}"},
        ),
        ("RC440", "g", {"A": WINDOW}, {"g": "rules: {A: {params: {t: 1}}}"}),
        (
            "RC441",
            "A",
            {
                "A": WINDOW.replace("rate(x[${w}])", "sum(x) / sum(y)").replace(
                    "w: {type: string, format: duration, default: 5m}, ", ""
                )
            },
            {"g": "rules: {A: {}}"},
        ),
    ],
)
def test_comments_silence_each_check(
    code: str, comment_in: str, templates: dict[str, str], groups: dict[str, str]
) -> None:
    asked = LintSettings(checks={"RC440": Severity.INFO})
    comment = f"# rulecompiler: disable={code} reason=why\n"
    plain = repo(templates, groups)
    commented = {p: comment + t if p.endswith(f"/{comment_in}.yaml") else t for p, t in plain.items()}
    assert code in {d.code for d in lint_texts(plain, asked)}
    assert {code, "RC451"}.isdisjoint(d.code for d in lint_texts(commented, asked))


def test_the_settings_file() -> None:
    assert read_settings(None) == (LintSettings(), ())
    assert read_settings(Document("s.yaml", {"lint": None})) == (LintSettings(), ())
    section = {
        "scrape_interval": "1m30s",
        "severities": ["page"],
        "annotations": [],
        "labels": ["team"],
        "owner": "service",
        "checks": {"RC406": {"severity": "error"}, "RC418": {"severity": "off", "reason": "none here"}},
    }
    settings, faults = read_settings(Document("s.yaml", {"lint": section}))
    assert faults == ()
    wanted = {"RC406": Severity.ERROR, "RC418": None}
    assert settings == LintSettings(90.0, ("page",), (), ("team",), wanted, "service")


@pytest.mark.parametrize("checks", [{"RC499": {"severity": "error"}}, {"RC418": {"severity": "off"}}])
def test_settings_that_cannot_be(checks: dict[str, Any]) -> None:
    _, faults = read_settings(Document("s.yaml", {"lint": {"checks": checks}}))
    assert [d.code for d in faults] == ["RC452"]
