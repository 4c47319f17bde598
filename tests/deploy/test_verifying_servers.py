"""What real servers run of given files is exactly that, and of changed files is not."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.deploy.running import RunningGroup, read_groups
from rulecompiler.deploy.verifying import same_query, verify
from tests.deploy.test_verifying import OTHERS, unasked
from tests.servers import Server, prometheus_with

GENERATED = Path(__file__).resolve().parent.parent.parent / "generated"

NASTY = b"""
groups:
- name: '  spaces: {and} "quotes" '
  interval: 1500ms
  limit: 7
  rules:
  - {alert: A, expr: up, for: 0s}
  - {alert: A, expr: up, for: 0}
  - {alert: A, expr: 'up # not', labels: {severity: 'x'}}
  - {alert: A, expr: up, labels: {severity: y, empty: '', none: null, number: 0.50, flag: true, hex: 0x1F}}
  - {record: A, expr: 010 * up}
  - alert: "Caf\xc3\xa9 \\u00e9 <b>"
    expr: |
      # a comment with a "quote
      sum without () (avg_over_time(up{job=~"a|b", instance='x"y', z=`\\d+`}[60m:]))  # and another
        > bool  0x10
    for: 1h30m
    keep_firing_for: 1500ms
    labels: {a: "{{ $labels.instance }}", b: "{{ if gt $value 1.0 }}x{{ end }}"}
    annotations: {empty: '', lines: "a\\nb\\n", text: "{{ range query `up` }}{{ . }}{{ end }}", "n": 1e3}
- name: empty
  rules: []
- name: emptier
- name: offsets
  rules:
  - {record: 'r:o', expr: 'up offset 1d - up offset -5m + up @ 1609746000.123 + up @ end() offset 1w'}
  - {record: 'r:m', expr: 'up * ON(instance) GROUP_LEFT() up and ignoring(a) up unless up'}
  - {record: 'r:p', expr: 'quantile(.5, up) BY (job) ^ -2 ^ +Inf % NaN'}
"""
# What 2.42 refuses.
NEW = b"""
groups:
- name: labels
  labels: {team: a, severity: low, empty: ''}
  query_offset: 1m
  rules:
  - {alert: A, expr: up, labels: {severity: high, team: ''}}
  - {record: 'r:l', expr: 'up{"a.b"="c"} + {"d.e"}', labels: {x: '1'}}
"""


class Loaded(NamedTuple):
    """A server, the files that it has loaded, and its groups by the files' names."""

    server: Server
    files: Mapping[str, bytes]
    running: tuple[RunningGroup, ...]
    canonicals: dict[str, str | None]

    def canonical(self, query: str) -> str | None:
        if query not in self.canonicals:
            answer = self.server.get("/api/v1/format_query", query=query).json()
            self.canonicals[query] = answer["data"] if answer["status"] == "success" else None
        return self.canonicals[query]


@pytest.fixture(params=["prometheus", "prometheus_3"], scope="module")
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    program: Path = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "rules").mkdir()
    files = {path.name: path.read_bytes() for path in GENERATED.iterdir()} | {"nasty.yml": NASTY}
    if request.param == "prometheus_3":
        files["new.yml"] = NEW
    for name, data in files.items():
        (folder / "rules" / name).write_bytes(data)
    with prometheus_with(program, folder / "rules", folder) as server:
        groups = read_groups(server.ask("rules"))
        yield Loaded(server, files, tuple(group._replace(file=Path(group.file).name) for group in groups), {})


def test_loaded_files_are_what_runs(loaded: Loaded) -> None:
    found = verify(loaded.files, loaded.running, {}, same_query(loaded.canonical))
    assert (found.differences, found.faults) == ((), ())
    assert len(found.proofs) == len(loaded.files)
    assert verify(loaded.files, loaded.running, found.proofs, same_query(unasked)) == found


def test_group_without_rules_is_none_on_every_version(loaded: Loaded) -> None:
    listed = {group["name"] for group in loaded.server.groups()}
    assert ("empty" in listed) == loaded.server.ask("status/buildinfo")["version"].startswith("2.")
    assert not {"empty", "emptier"} & {group.name for group in loaded.running}


def test_generated_queries_are_compared_without_asking_the_server(loaded: Loaded) -> None:
    ours = {name: data for name, data in loaded.files.items() if name.startswith("group-")}
    running = [group for group in loaded.running if group.file in ours]
    assert verify(ours, running, {}, same_query(unasked)).exact


@pytest.mark.parametrize(("left", "right"), OTHERS)
def test_others_are_not_the_same_to_the_server_either(loaded: Loaded, left: str, right: str) -> None:
    assert not same_query(loaded.canonical)(left, right)


TOKEN = re.compile(r'\s+|[\w:.]+|"(?:[^"\\]|\\.)*"|[=!<>~]+|.', re.DOTALL)
WORDS = ["x", "5m", "1h", "7", "0", "-", "*", "==", "!=", "=~", "bool", "by", "without", "on", "offset 1m",
         '"a"', '""', "(", ")", "[5m:]", "and", "or", "@ 5", "group_left", "max"]  # fmt: skip


def changed(content: Any, random: Random) -> Any:
    """A file that is not what it was, in one place."""
    content = copy.deepcopy(content)
    group = random.choice(content["groups"])
    rules = group.get("rules") or []
    if not rules or random.random() < 0.2:
        _change_group(content, group, random)
    else:
        _change_rule(rules, random.randrange(len(rules)), random)
    return content


def _change_group(content: Any, group: Any, random: Random) -> None:
    change = random.choice(["rename", "drop", "interval", "limit", "add rule", "copy"])
    if change == "rename":
        group["name"] += "x"
    elif change == "drop":
        content["groups"].remove(group)
    elif change == "interval":
        group["interval"] = "77s"
    elif change == "limit":
        group["limit"] = 77
    elif change == "add rule":
        group["rules"] = [*(group.get("rules") or []), {"alert": "New", "expr": "up"}]
    else:
        content["groups"].append({**group, "name": "copy"})


def _change_rule(rules: list[Any], number: int, random: Random) -> None:
    rule = rules[number]
    change = random.choice(
        ["drop", "double", "swap", "name", "kind", "for", "keep_firing_for", "labels", "annotations"]
    )
    if random.random() < 0.4:
        tokens = TOKEN.findall(str(rule["expr"]))
        at = random.randrange(len(tokens))
        tokens[at : at + random.randrange(2)] = [" ", random.choice(["", *WORDS]), " "]
        rule["expr"] = "".join(tokens)
    elif change == "drop":
        del rules[number]
    elif change == "double":
        rules.insert(number, rule)
    elif change == "swap":
        other = random.randrange(len(rules))
        rules[number], rules[other] = rules[other], rules[number]
    elif change == "name":
        rule["alert" if "alert" in rule else "record"] += "x"
    elif change == "kind":
        old, new = ("alert", "record") if "alert" in rule else ("record", "alert")
        rule[new] = rule.pop(old)
    elif change in ("for", "keep_firing_for"):
        rule[change] = "77ms"
    else:
        texts = rule.setdefault(change, {})
        name = random.choice([*sorted(texts), "new"])
        text = random.choice(["", "new", f"{texts.get(name)} ", None])
        if text is None:
            texts.pop(name, None)
        else:
            texts[name] = text


def as_written(data: bytes) -> Any:
    """A file as plain data, its texts as they are written whatever YAML takes them for."""
    content = yaml.load(data, yaml.BaseLoader)
    for group in content["groups"]:
        if "limit" in group:
            group["limit"] = int(group["limit"])
        for rule in group.get("rules") or []:
            labels = rule.get("labels") or {}
            labels.update({name: None for name, value in labels.items() if value == "null"})
    return content


def meaning(data: Any, loaded: Loaded) -> Any:
    """A file as a server takes it, its queries in the server's words; None if it would not take one."""
    groups = {}
    for group in data["groups"]:
        rules = []
        for rule in group.get("rules") or []:
            query = loaded.canonical(str(rule["expr"]))
            if query is None:
                return None
            labels = {name: value or "" for name, value in (rule.get("labels") or {}).items()}
            rules.append(
                {**rule, "expr": query, "labels": labels, "annotations": rule.get("annotations") or {}}
            )
        if rules:
            groups[group["name"]] = {**group, "rules": rules}
    return groups


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_change_of_a_file_goes_unseen(loaded: Loaded, seed: int) -> None:
    """The server itself says which changes of a query are none."""
    random = Random(seed)
    name = random.choice(sorted(loaded.files))
    before = as_written(loaded.files[name])
    after = changed(before, random)
    wanted = meaning(after, loaded)
    running = [group for group in loaded.running if group.file == name]
    found = verify({name: json.dumps(after).encode()}, running, {}, same_query(loaded.canonical))
    assert found.faults == ()
    if wanted is not None:
        assert (found.differences == ()) == (wanted == meaning(before, loaded))
