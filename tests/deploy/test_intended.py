"""Rule files read as a server reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rulecompiler.deploy.intended import IntendedGroup, IntendedRule, as_intended, read_files
from rulecompiler.deploy.running import ActiveAlert, RunningGroup, RunningRule

GENERATED = Path(__file__).resolve().parent.parent.parent / "generated"


def rule_of(text: str) -> IntendedRule:
    """The one rule of a file whose rule says this."""
    groups, faults = read_files({"a.yml": f"groups: [{{name: g, rules: [{text}]}}]".encode()})
    assert faults == ()
    return groups[0].rules[0]


def test_whole_file() -> None:
    data = b"""
groups:
- name: g
  interval: 1m30s
  limit: 5
  query_offset: 1m
  rules:
  - record: r:x
    expr: sum(x)
    labels: {a: b}
  - alert: A
    expr: |
      x
        > 5
    for: 5m
    keep_firing_for: 1500ms
    labels: {severity: warning}
    annotations: {summary: "{{ $value }}"}
- name: empty
  rules: []
- name: emptier
"""
    record = IntendedRule("record", "r:x", "sum(x)", 0, 0, {"a": "b"}, {})
    alert = IntendedRule(
        "alert", "A", "x\n  > 5\n", 300, 1.5, {"severity": "warning"}, {"summary": "{{ $value }}"}
    )
    assert read_files({"a.yml": data}) == ((IntendedGroup("a.yml", "g", 90, 5, (record, alert)),), ())


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("", 0.0),
        ("for: null", 0.0),
        ("for: 0s", 0.0),
        ("for: 0", 0.0),
        ("for: 5ms", 0.005),
        ("for: 1h30m", 5400.0),
        ("for: '1d'", 86400.0),
    ],
)
def test_durations(written: str, seconds: float) -> None:
    assert rule_of(f"{{alert: A, expr: x, {written}}}").for_seconds == seconds


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("5", "5"),
        ("0.50", "0.50"),
        ("+5", "+5"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("true", "true"),
        ("false", "false"),
        ("yes", "yes"),
        ("null", ""),
        ("~", ""),
        ("''", ""),
        ("2020-01-01", "2020-01-01"),
        ("'007'", "007"),
    ],
)
def test_texts_are_as_written_whatever_yaml_takes_them_for(written: str, text: str) -> None:
    assert rule_of(f"{{alert: A, expr: x, labels: {{l: {written}}}}}").labels == {"l": text}


def test_numbers_may_be_names_and_queries() -> None:
    rule = rule_of("{alert: 7, expr: 0x10}")
    assert (rule.name, rule.expr) == ("7", "0x10")


def test_labels_of_the_group_are_those_of_its_rules_where_they_have_none() -> None:
    rules = "[{alert: A, expr: x, labels: {b: r, c: ''}}]"
    data = f"groups: [{{name: g, labels: {{a: g, b: g, c: g}}, rules: {rules}}}]".encode()
    assert read_files({"a.yml": data})[0][0].rules[0].labels == {"a": "g", "b": "r", "c": ""}


def test_interval_of_zero_is_the_servers() -> None:
    data = b"groups: [{name: g, interval: 0s, rules: [{alert: A, expr: x}]}]"
    assert read_files({"a.yml": data})[0][0].interval_seconds is None


def test_one_group_name_in_two_files_is_two_groups() -> None:
    data = b"groups: [{name: g, rules: [{alert: A, expr: x}]}]"
    groups, faults = read_files({"b.yml": data, "a.yml": data})
    assert [group.file for group in groups] == ["a.yml", "b.yml"]
    assert faults == ()


def test_every_committed_file_can_be_read() -> None:
    files = {path.name: path.read_bytes() for path in GENERATED.iterdir()}
    groups, faults = read_files(files)
    assert faults == ()
    assert {group.file for group in groups} == set(files)


@pytest.mark.parametrize(
    ("text", "code", "place", "found"),
    [
        ("groups: [", "RC111", None, ""),
        ("", "RC110", None, ""),
        ("groups: []\n---\ngroups: []", "RC121", None, ""),
        ("a: 1\na: 2", "RC113", None, ""),
        ("[]", "RC850", (), "a mapping should stand here"),
        ("groups: {}", "RC850", ("groups",), "a list should stand here"),
        ("groups: [x]", "RC850", ("groups", 0), "a mapping should stand here"),
        ("groups: [{rules: []}]", "RC850", ("groups", 0, "name"), "a text should stand here"),
        (
            "groups: [{name: g}, {name: g}]",
            "RC850",
            ("groups", 1, "name"),
            "the group name 'g' stands twice in the file",
        ),
        (
            "groups: [{name: g, limit: 1.5}]",
            "RC850",
            ("groups", 0, "limit"),
            "a whole number should stand here",
        ),
        (
            "groups: [{name: g, limit: true}]",
            "RC850",
            ("groups", 0, "limit"),
            "a whole number should stand here",
        ),
        ("groups: [{name: g, interval: 5}]", "RC850", ("groups", 0, "interval"), "'5' is not a duration"),
        (
            "groups: [{name: g, interval: 999y}]",
            "RC850",
            ("groups", 0, "interval"),
            "'999y' is not a duration",
        ),
        ("groups: [{name: g, interval: ''}]", "RC850", ("groups", 0, "interval"), "'' is not a duration"),
        (
            "groups: [{name: g, rules: [x]}]",
            "RC850",
            ("groups", 0, "rules", 0),
            "a mapping should stand here",
        ),
        (
            "groups: [{name: g, rules: [{}]}]",
            "RC850",
            ("groups", 0, "rules", 0, "record"),
            "a text should stand here",
        ),
        (
            "groups: [{name: g, rules: [{alert: A}]}]",
            "RC850",
            ("groups", 0, "rules", 0, "expr"),
            "a text should stand here",
        ),
        (
            "groups: [{name: g, rules: [{alert: A, expr: x, labels: []}]}]",
            "RC850",
            ("groups", 0, "rules", 0, "labels"),
            "a mapping should stand here",
        ),
        (
            "groups: [{name: g, rules: [{alert: A, expr: x, labels: {l: []}}]}]",
            "RC850",
            ("groups", 0, "rules", 0, "labels", "l"),
            "a text should stand here",
        ),
    ],
)
def test_what_is_no_rule_file_is_a_diagnostic(
    text: str, code: str, place: tuple[str | int, ...] | None, found: str
) -> None:
    good = b"groups: [{name: g, rules: [{alert: A, expr: x}]}]"
    groups, (fault,) = read_files({"bad.yml": text.encode(), "good.yml": good})
    assert [group.file for group in groups] == ["good.yml"]
    assert fault.code == code
    if code == "RC850":
        assert (fault.message, getattr(fault.place, "keys", None)) == (found, place)
        assert fault.help


def test_bytes_that_are_no_text_are_a_diagnostic() -> None:
    assert read_files({"a.yml": b"\xff\xfe\x00"})[1][0].code == "RC106"


def test_running_group_as_if_a_file_had_stated_it() -> None:
    alert = ActiveAlert("firing", "2026-01-01T00:00:00Z", {})
    rule = RunningRule("alert", "A", "x", 5, 6, {"l": "1"}, {"a": "2"}, "err", "oh", (alert,))
    group = RunningGroup("f.yml", "g", 7, 8, (rule,), "2026-01-01T00:00:00Z")
    stated = IntendedRule("alert", "A", "x", 5, 6, {"l": "1"}, {"a": "2"})
    assert as_intended(group) == IntendedGroup("f.yml", "g", 7, 8, (stated,))
