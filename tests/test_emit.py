"""The generated file: the same values back from every reader, and a text that reviewers can read."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.diagnostics import Pointer
from rulecompiler.emit import emit
from rulecompiler.generated_file import MARKER, file_name, is_generated
from rulecompiler.model import Rule, RuleGroup, RuleSet
from rulecompiler.yaml_scalar import block, flow, inline, is_plain, write_inline

ALERT = Rule(
    "alert",
    "HighCPUUsage_Production",
    'avg by (instance) (rate(node_cpu_seconds_total{mode="idle", group_id="grp-123"}[5m])) * 100\n  < 20\n',
    "5m",
    "10m",
    {"severity": "warning", "group_id": "grp-123"},
    {"summary": "High CPU usage on {{ $labels.instance }}", "description": "CPU is busy:\n  above 80%.\n"},
    "alerts/templates/node/HighCPUUsage.yaml",
    Pointer("alerts/groups/global.yaml", ("rules", "HighCPUUsage")),
)
RECORD = Rule(
    "record",
    "instance:cpu_busy:percent",
    "up == 1",
    None,
    None,
    {},
    {},
    "alerts/templates/node/cpu-busy.yaml",
    Pointer("alerts/groups/production.yaml", ("rules", "instance:cpu_busy:percent")),
)
RULES = RuleSet(
    "grp-123",
    ("alerts/groups/global.yaml", "alerts/groups/production.yaml"),
    (
        RuleGroup("production_cpu", "30s", 10, "1m", (RECORD, ALERT)),
        RuleGroup("production_disk", None, None, None, (RECORD,)),
    ),
)
TEXT = """\
# Compiled by rulecompiler. Do not edit: the next compile overwrites this file.
# Group grp-123, from:
#   alerts/groups/global.yaml
#   alerts/groups/production.yaml
# To change a rule, edit its template (named above the rule) or a group file,
# then run `rulecompiler compile` and commit both.
groups:
- name: production_cpu
  interval: 30s
  query_offset: 1m
  limit: 10
  rules:
  # alerts/templates/node/cpu-busy.yaml
  - record: instance:cpu_busy:percent
    expr: up == 1

  # alerts/templates/node/HighCPUUsage.yaml, inherited from alerts/groups/global.yaml
  - alert: HighCPUUsage_Production
    expr: |-
      avg by (instance) (rate(node_cpu_seconds_total{mode="idle", group_id="grp-123"}[5m])) * 100
        < 20
    for: 5m
    keep_firing_for: 10m
    labels:
      severity: warning
      group_id: grp-123
    annotations:
      summary: High CPU usage on {{ $labels.instance }}
      description: |
        CPU is busy:
          above 80%.

- name: production_disk
  rules:
  # alerts/templates/node/cpu-busy.yaml
  - record: instance:cpu_busy:percent
    expr: up == 1
"""


def test_the_whole_file_reads_like_this() -> None:
    assert emit(RULES) == TEXT


def test_names_and_marker() -> None:
    assert file_name("grp-123") == "group-grp-123.yml"
    assert MARKER in emit(RULES).split("\n")[0]


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT.replace("\n", "\r\n"), "# SPDX-License-Identifier: Apache-2.0\n" + TEXT],
)
def test_own_files_are_recognised(text: str) -> None:
    assert is_generated(text)


@pytest.mark.parametrize(
    "text",
    ["", "groups: []\n", "groups:\n" + TEXT, "# by hand\ngroups: []\n", f"x: {MARKER}\n", "#\n" * 50 + TEXT],
)
def test_others_files_are_not(text: str) -> None:
    assert not is_generated(text)


def test_without_groups_or_rules_the_lists_are_empty() -> None:
    assert yaml.safe_load(emit(replace(RULES, groups=()))) == {"groups": []}
    empty = replace(RULES, groups=(RuleGroup("a", None, None, None, ()),))
    assert yaml.safe_load(emit(empty)) == {"groups": [{"name": "a", "rules": []}]}


def test_a_path_cannot_end_its_comment() -> None:
    rule = replace(RECORD, template="a\ngroups: []\n# b.yaml")
    text = emit(RuleSet("g", ("x\u2028y: 1", "z"), (RuleGroup("a", None, None, None, (rule,)),)))
    assert list(yaml.safe_load(text)) == ["groups"]
    assert len(yaml.safe_load(text)["groups"]) == 1


# What each string becomes: quotes only where some reader needs them.
PLAIN = [
    "warning", "5m", "1d", "1h30m", "100 - up", "grp-123", "a:b", "a#b", "https://x.example/y?z=1#a",
    "(a)", "up{job=\"a\"} > 5", "{{x}"[2:], "High CPU on {{ $labels.instance }}", "é", "日本", "👨\u200d👩",
    "v1.2.3", "10.0.0.1:9100", "nullable", "Nobody", "/a/b", "x - y", "a, b", "x!", "it's", 'say "x"',
]  # fmt: skip
SINGLE = [
    "", " ", " a", "a ", "yes", "No", "ON", "off", "y", "N", "true", "False", "null", "Null", "~", "1",
    "-1", "+1", "0x1F", "0o17", "017", "0b1", "1_000", "1.5", ".5", "1.", "1e5", "1.5E-3", "1:30",
    "1:30:20", "2024-01-01", "2024-1-1 10:00:00", "2024-01-01T10:00:00Z", ".inf", "-.INF", ".nan", "inf",
    "=", "<<", "-", "- a", "-a", "?", "? a", ":", ": a", "a: b", "a:", "a #b", "#a", "&a", "*a", "!a",
    "!!int 1", "|", ">", "'a'", '"a"', "%a", "@a", "`a`", "[a]", "{a: b}", "{{ $value }}", ",", "---",
    "...", "-1d",
]  # fmt: skip
DOUBLE = [
    "\n", "a\nb", "\t", "a\tb", "\r", "\x00", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff",
    "\ufffe", "\u202e gpj.exe", "\u2066", "\U000e0041", "\ud800", 'a"\\\n',
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_plain_stays_plain(text: str) -> None:
    assert inline(text) == text


@pytest.mark.parametrize("text", [t for t in SINGLE if t != "..."])
def test_what_a_reader_would_misread_is_quoted(text: str) -> None:
    assert inline(text) == "'" + text.replace("'", "''") + "'"


@pytest.mark.parametrize("text", DOUBLE)
def test_what_cannot_be_seen_is_escaped(text: str) -> None:
    written = inline(text)
    assert written[0] == written[-1] == '"'
    assert all(character >= " " for character in written)
    assert yaml.safe_load(written) == text


# What a block value becomes, at indent 4.
BLOCKS = {
    "a\nb": "|-\n      a\n      b",
    "a\nb\n": "|\n      a\n      b",
    "a\n\nb": "|-\n      a\n\n      b",
    "a\n": "|\n      a",
    " a\nb": "|2-\n       a\n      b",
    "\ta\nb": "|2-\n      \ta\n      b",
    "\na": "|2-\n\n      a",
    "a\n\tb": "|-\n      a\n      \tb",
    "a\n  \nb": "|-\n      a\n        \n      b",
    "# a\n--- b": "|-\n      # a\n      --- b",
    "a\n\n": '"a\\n\\n"',
    "a\n ": '"a\\n "',
    "a\r\nb": '"a\\r\\nb"',
    "a\u2028\nb": '"a\\u2028\\nb"',
    "a b": "a b",
}


@pytest.mark.parametrize("text", BLOCKS)
def test_blocks(text: str) -> None:
    assert block(text, "    ") == BLOCKS[text]
    assert yaml.safe_load(f"x:\n    y: {block(text, '    ')}\n    z: 1\n")["x"]["y"] == text


# --- any text comes back ------------------------------------------------------

_AWKWARD = st.sampled_from(
    [*PLAIN, *SINGLE, *DOUBLE, "\n", "  ", "\t", ": ", " #", "\r\n", "|", "- ", "''", '"']
)
ANY = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=30),
    st.lists(st.one_of(_AWKWARD, st.text(max_size=4)), max_size=8).map("".join),
    st.text("ab \n\t#:-'\"", max_size=20),
)
MAPPINGS = st.dictionaries(ANY, ANY, max_size=3)
OPTIONAL = st.none() | ANY


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    rules = st.builds(
        Rule,
        st.sampled_from(["alert", "record"]),
        ANY, ANY, OPTIONAL, OPTIONAL, MAPPINGS, MAPPINGS, ANY,
        st.builds(Pointer, ANY),
    )  # fmt: skip
    groups = st.builds(
        RuleGroup,
        ANY,
        OPTIONAL,
        st.none() | st.integers(0, 9),
        OPTIONAL,
        st.lists(rules, max_size=2).map(tuple),
    )
    return RuleSet(
        draw(ANY), tuple(draw(st.lists(ANY, max_size=2))), tuple(draw(st.lists(groups, max_size=2)))
    )


def as_data(rules: RuleSet) -> object:
    return {
        "groups": [
            _set(name=g.name, interval=g.interval, query_offset=g.query_offset, limit=g.limit)
            | {"rules": [_rule(rule) for rule in g.rules]}
            for g in rules.groups
        ]
    }


def _rule(rule: Rule) -> Mapping[str, object]:
    return {rule.kind: rule.name, "expr": rule.expr.rstrip("\n")} | _set(
        **{"for": rule.for_},
        keep_firing_for=rule.keep_firing_for,
        labels=dict(rule.labels) or None,
        annotations=dict(rule.annotations) or None,
    )


def _set(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


@settings(max_examples=400, deadline=None)
@given(rule_sets())
def test_yaml_gives_back_exactly_the_values(rules: RuleSet) -> None:
    text = emit(rules)
    assert yaml.load(text, yaml.SafeLoader) == as_data(rules)
    if not any("\ud800" <= c <= "\udfff" for c in json.dumps(as_data(rules), ensure_ascii=False)):
        assert yaml.load(text, yaml.CSafeLoader) == as_data(rules)
    assert emit(rules) == text


@settings(max_examples=300, deadline=None)
@given(ANY)
def test_plain_means_the_same_to_yaml_1_1_everywhere(text: str) -> None:
    if is_plain(text):
        assert yaml.safe_load(f"{text}: {text}\n") == {text: text}
    assert yaml.safe_load(flow({text: [text, {"a": None}, True, 1.5]})) == {
        text: [text, {"a": None}, True, 1.5]
    }


@pytest.mark.parametrize("text", ["1" * 500_000 + "x", "1" * 250_000 + "." + "1" * 250_000 + "x"])
def test_a_long_text_takes_no_time(text: str) -> None:
    started = time.process_time()
    assert write_inline(text) == text
    assert time.process_time() - started < 15  # by trying every way to split it, it would be hours


def test_flow_takes_plain_data_only() -> None:
    with pytest.raises(TypeError, match="object"):
        flow(object())


# --- the real ones --------------------------------------------------------------

NASTY = [
    *PLAIN,
    *SINGLE,
    *(t for t in DOUBLE if t != "\ud800"),
    *BLOCKS,
    "x\n# y\n\n   z: {a}\n\t'w'\n",
    "a\n  b\n    ",
    "{{ $labels.x }}: 'q' \"p\"\n",
    "\U0001f600\n\U0001f600",
]


def nasty_rules() -> RuleSet:
    """Every nasty string as a label and annotation, and in an expression's string and comment."""
    rules = []
    for number, text in enumerate(NASTY):
        comment = "".join(f"\n  # {line}" for line in text.split("\n"))
        plain = text.isprintable()
        rules.append(
            Rule(
                "alert",
                f"A{number}",
                (
                    f"up{{a={json.dumps(text, ensure_ascii=False)}}}{comment}\n  == 0"
                    if plain
                    else "\tup\n\n  \n   == 0"
                ),
                "1d",
                None,
                {"text": text, "on": "no", "y": "1:30"},
                {"text": text, "null": "~"},
                "t.yaml",
                Pointer("g.yaml"),
            )
        )
    return RuleSet("nasty", ("g.yaml",), (RuleGroup("no", None, None, None, tuple(rules)),))


def test_prometheus_reads_back_the_same_strings(prometheus: Path, tmp_path: Path) -> None:
    rules = nasty_rules()
    (tmp_path / "rules.yml").write_bytes(emit(rules).encode())
    (tmp_path / "prometheus.yml").write_text("rule_files: [rules.yml]\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(
            [
                prometheus,
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        running = _running_rules(f"http://{address}/api/v1/rules", tmp_path / "log")
    finally:
        server.terminate()
        server.wait(20)
    assert [rule["name"] for rule in running] == [rule.name for rule in rules.groups[0].rules]
    for got, rule in zip(running, rules.groups[0].rules, strict=True):
        assert got["labels"] == dict(rule.labels)
        assert got["annotations"] == dict(rule.annotations)
        assert got["query"] == rule.expr.split("\n")[0].strip() + " == 0"


def _running_rules(url: str, log: Path) -> list[dict[str, object]]:
    for _ in range(150):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                groups = json.load(answer)["data"]["groups"]
                if groups:
                    rules: list[dict[str, object]] = groups[0]["rules"]
                    return rules
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text())
