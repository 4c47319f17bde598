from __future__ import annotations

import json
import re
from typing import Any

import pytest

from rulecompiler.diagnostics import Diagnostic, Related, Severity, Span
from rulecompiler.reporters import report

FAULT = Diagnostic(
    "RC204",
    "threshold is 180",
    Span("alerts/a.yaml", 2, 3, 2, 6),
    "maximum: 100",
    "lower it",
    related=(Related(Span("t.yaml", 6, 1, 6, 9), "declared here"),),
)
SOURCES = {"alerts/a.yaml": "x: 1\ny: 180\n"}


def unescaped(text: str) -> str:
    """As GitHub's runner reads a property."""
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


def test_json_says_everything() -> None:
    assert json.loads(report([FAULT], "json", {})) == {
        "diagnostics": [
            {
                "code": "RC204",
                "severity": "error",
                "message": "threshold is 180",
                "path": "alerts/a.yaml",
                "line": 2,
                "column": 3,
                "end_line": 2,
                "end_column": 6,
                "label": "maximum: 100",
                "help": "lower it",
                "related": [
                    {
                        "path": "t.yaml",
                        "line": 6,
                        "column": 1,
                        "end_line": 6,
                        "end_column": 9,
                        "text": "declared here",
                    }
                ],
                "more": 0,
                "also": [],
            }
        ],
        "summary": {"errors": 1, "warnings": 0, "infos": 0},
    }


def test_json_of_nothing_is_still_an_object() -> None:
    assert json.loads(report([], "json", {})) == {
        "diagnostics": [],
        "summary": {"errors": 0, "warnings": 0, "infos": 0},
    }


def test_json_without_a_place_has_nulls() -> None:
    (entry,) = json.loads(report([Diagnostic("RC601", "m")], "json", {}))["diagnostics"]
    assert [entry[key] for key in ("path", "line", "column", "end_line", "end_column")] == [None] * 5


def test_json_keeps_the_places_of_what_was_folded() -> None:
    related = [Related(Span(f"g{n}", 1, 1, 1, 2), "used") for n in range(3)]
    faults = [Diagnostic("RC5", "m", Span("t", 1, 1, 1, 2), related=(item,)) for item in related]
    (entry,) = json.loads(report(faults, "json", {}))["diagnostics"]
    assert entry["more"] == 2
    assert [item["path"] for item in entry["also"]] == ["g1", "g2"]


@pytest.mark.parametrize("fmt", ["json", "sarif"])
def test_machine_formats_are_ascii(fmt: str) -> None:
    fault = Diagnostic("RC1", "\x1b é \ud800 \u202e", Span("ä\udc80", 1, 1, 1, 2), "数", "\x9b")
    assert re.search(r"[^\x20-\x7e\n]", report([fault], fmt, {"ä\udc80": "\ud800"})) is None


def test_github_makes_an_annotation() -> None:
    assert report([FAULT], "github", {}, titles={"RC204": "out of bounds"}, prefix="ops/") == (
        "::error file=ops/alerts/a.yaml,line=2,col=3,endLine=2,endColumn=6,title=RC204 out of bounds"
        "::threshold is 180%0Amaximum: 100%0At.yaml:6: declared here%0Ahelp: lower it\n"
    )


@pytest.mark.parametrize(
    ("severity", "command"),
    [(Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "notice")],
)
def test_github_knows_three_severities(severity: Severity, command: str) -> None:
    assert report([Diagnostic("RC1", "m", severity=severity)], "github", {}) == f"::{command} title=RC1::m\n"


def test_github_leaves_columns_out_where_lines_differ() -> None:
    text = report([Diagnostic("RC1", "m", Span("f", 1, 5, 3, 2))], "github", {})
    assert text == "::error file=f,line=1,endLine=3,title=RC1::m\n"


@pytest.mark.parametrize(
    ("severity", "room"), [(Severity.ERROR, 9), (Severity.WARNING, 10), (Severity.INFO, 10)]
)
def test_github_says_what_it_does_not_show(severity: Severity, room: int) -> None:
    def lines(number: int) -> list[str]:
        faults = [
            Diagnostic("RC1", f"m{n}", Span("f", n, 1, n, 2), severity=severity) for n in range(1, number + 1)
        ]
        other = Diagnostic(
            "RC2", "other", severity=Severity.ERROR if severity is not Severity.ERROR else Severity.INFO
        )
        return report([*faults, other], "github", {}, prefix="ops/").splitlines()

    assert not any("more" in line for line in lines(room))
    many = lines(room + 20)
    assert "title=and 21 more::" in many[room - 1]
    assert len(many) == room + 22
    assert not any("ops/f:" in line for line in many[: room - 1])
    assert many[room].endswith(f"::ops/f:{room}: RC1: m{room}")
    assert many[-1].endswith("::other")


def test_github_commands_cannot_be_injected() -> None:
    path, words = "a,line=9:b%0A\n::warning::c", "100% \r\n::error file=x::pwned\x1b[31m"
    text = report([Diagnostic("RC1", words, Span(path, 1, 1, 1, 2), words, words)], "github", {})
    assert text.count("\n") == 1
    assert "\r" not in text
    assert "\x1b" not in text
    properties, _, message = text.removeprefix("::error ").partition("::")
    assert unescaped(properties.partition(",")[0]) == f"file={path}"
    assert "%25 %0D%0A::error file=x::pwned" in message


def run_of(*faults: Diagnostic, sources: dict[str, str] = SOURCES, **options: Any) -> dict[str, Any]:
    log = json.loads(report(faults, "sarif", sources, **options))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


def test_sarif_result() -> None:
    run = run_of(FAULT, titles={"RC204": "out of bounds"}, prefix="ops/")
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["tool"]["driver"]["rules"] == [
        {"id": "RC204", "shortDescription": {"text": "out of bounds"}},
    ]
    (result,) = run["results"]
    assert result["message"]["text"] == "threshold is 180 (maximum: 100)\nhelp: lower it"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "ops/alerts/a.yaml", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 6},
            }
        }
    ]
    assert result["relatedLocations"][0]["message"] == {"text": "declared here"}
    assert result["relatedLocations"][0]["id"] == 1


def test_sarif_rule_indexes_point_at_their_rules() -> None:
    run = run_of(Diagnostic("RC9", "m", Span("a", 1, 1, 1, 2)), Diagnostic("RC2", "m", Span("b", 1, 1, 1, 2)))
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == ["RC9", "RC2"]


def test_sarif_fingerprints_survive_lines_added_above() -> None:
    moved = Diagnostic("RC204", "threshold is 180", Span("alerts/a.yaml", 4, 3, 4, 6))
    before = run_of(FAULT)["results"][0]["partialFingerprints"]
    after = run_of(moved, sources={"alerts/a.yaml": "#\n#\nx: 1\ny: 180\n"})["results"][0]
    assert after["partialFingerprints"] == before


def test_sarif_fingerprints_differ_for_different_faults() -> None:
    spans = [("a", 1), ("a", 2), ("a", 3), ("b", 1)]
    faults = [Diagnostic("RC1", "m", Span(path, line, 1, line, 2)) for path, line in spans]
    faults.append(Diagnostic("RC2", "m", Span("a", 1, 1, 1, 2)))
    results = run_of(*faults, sources={"a": "x\ny\nx\n", "b": "x\n"})["results"]
    prints = {result["partialFingerprints"]["primaryLocationLineHash"] for result in results}
    assert len(prints) == 5


def test_sarif_puts_faults_without_a_file_beside_the_results() -> None:
    run = run_of(Diagnostic("RC601", "no promtool"))
    assert run["results"] == []
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][0]["descriptor"] == {"id": "RC601"}
    assert run_of(FAULT)["invocations"][0]["executionSuccessful"] is True


def test_sarif_escapes_uris_and_links() -> None:
    fault = Diagnostic("RC1", "see [this](1) and [a]", Span("a b/c:d#é.yaml", 1, 1, 1, 2))
    (result,) = run_of(fault)["results"]
    assert (
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/c%3Ad%23%C3%A9.yaml"
    )
    assert result["message"]["text"] == r"see \[this](1) and [a]"
