"""What is foretold of pending and firing alerts is what a real Prometheus then does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.deploy.alert_state import resets
from rulecompiler.deploy.intended import read_files
from rulecompiler.deploy.running import RunningGroup, read_groups
from rulecompiler.deploy.verifying import same_query
from tests.servers import PATIENCE, Server, page, prometheus_with, scrape, within


@pytest.fixture(params=["prometheus", "prometheus_3"])
def program(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


class Case:
    """A group before and after a change, and what becomes of its alert `A` by the documentation."""

    def __init__(
        self, fate: str, before: list[dict[str, Any]], after: list[dict[str, Any]], **changed: Any
    ) -> None:
        self.fate, self.before, self.after, self.changed = fate, before, after, changed


def written(
    name: str = "A", expr: str = 'm{group_id="a"} > 0', *, wait: str = "1h", **labels: str
) -> dict[str, Any]:
    return {"alert": name, "expr": expr, "for": wait, "labels": labels}


PLAIN = written()
QUIET = written(expr="m > 5")
CASES = {
    "nothing": Case("kept", [PLAIN], [PLAIN]),
    "expr": Case("kept", [PLAIN], [written(expr='m{group_id=~"a|x"} < 2')]),
    "longer for": Case("kept", [PLAIN], [written(wait="2h")]),
    "for of a firing alert": Case("kept", [written(wait="0s")], [written(wait="1h")]),
    "annotations": Case("kept", [PLAIN], [{**PLAIN, "annotations": {"summary": "{{ $value }}"}}]),
    "keep_firing_for": Case("kept", [PLAIN], [{**PLAIN, "keep_firing_for": "5m"}]),
    "interval": Case("kept", [PLAIN], [PLAIN], interval="2s"),
    "limit": Case("kept", [PLAIN], [PLAIN], limit=7),
    "order": Case("kept", [PLAIN, QUIET | {"alert": "B"}], [QUIET | {"alert": "B"}, PLAIN]),
    "order of one name": Case("kept", [written(s="1"), written(s="2")], [written(s="2"), written(s="1")]),
    "another rule": Case("kept", [PLAIN, written("B")], [written("C"), PLAIN, written("B")]),
    "twins": Case("kept", [PLAIN, PLAIN], [PLAIN, PLAIN]),
    "file renamed": Case("starts over", [PLAIN], [PLAIN], file="g.yml"),
    "group renamed": Case("starts over", [PLAIN], [PLAIN], name="group renamed now"),
    "rule renamed": Case("starts over", [PLAIN], [written("B")]),
    "label changed": Case("starts over", [written(s="1")], [written(s="2")]),
    "label added": Case("starts over", [PLAIN], [written(s="1")]),
    "empty label added": Case("starts over", [PLAIN], [written(s="")]),
    "label template changed": Case("starts over", [written(s="{{ $value }}")], [written(s="{{ 1 }}")]),
    "label of one of two": Case(
        "starts over", [written(s="1"), written(s="2")], [written(s="1"), written(s="3")]
    ),
    "record before it": Case("starts over", [PLAIN], [{"record": "A", "expr": "m"}, PLAIN]),
    "record before it removed": Case(
        "starts over", [{"record": "A", "expr": 'm{group_id="a"} > 0'}, PLAIN], [PLAIN]
    ),
    "twins in another order": Case("starts over", [PLAIN, QUIET], [QUIET, PLAIN]),
    "narrower rule of its own": Case(
        "starts over", [written(expr="m > 0")], [written(expr='m{group_id!="a"} > 0'), written("B")]
    ),
    "back to the wider rule": Case(
        "starts over", [written("B", 'm{group_id!="a"} > 0'), PLAIN], [written("B", "m > 0")]
    ),
    "removed": Case("ends", [PLAIN, written("B")], [written("B")]),
    "left out": Case("ends", [written(expr="m > 0")], [written(expr='m{group_id!="a"} > 0')]),
}


def files_of(after: bool) -> dict[str, bytes]:
    groups: dict[str, list[dict[str, Any]]] = {"f.yml": []}
    for number, (name, case) in enumerate(CASES.items()):
        changed = dict(case.changed) if after else {}
        # Alerts and metrics of its own, so that no case looks like what becomes of another.
        rules = [
            {key: f"{value}_{number}" if key in ("alert", "record") else value for key, value in rule.items()}
            | {"expr": rule["expr"].replace("m", f"m_{number}", 1)}
            for rule in (case.after if after else case.before)
        ]
        groups.setdefault(changed.pop("file", "f.yml"), []).append({"name": name, "rules": rules} | changed)
    return {file: json.dumps({"groups": found}).encode() for file, found in groups.items()}


def running(server: Server) -> tuple[RunningGroup, ...]:
    groups = read_groups(server.ask("rules"))
    return tuple(group._replace(file=Path(group.file).name) for group in groups)


def active(groups: tuple[RunningGroup, ...]) -> list[tuple[str, ...]]:
    """Each active alert of interest as file, group, name, labels, and since when it is."""
    return [
        (group.file, group.name, rule.name, repr(sorted(alert.labels.items())), alert.active_at)
        for group in groups
        for rule in group.rules
        for alert in rule.active
    ]


def test_what_is_foretold_is_what_happens(program: Path, tmp_path: Path) -> None:
    """All kinds of change at once, each in a group of its own, on a server with a real exporter's series."""
    rules = tmp_path / "rules"
    rules.mkdir()
    for file, data in files_of(after=False).items():
        (rules / file).write_bytes(data)
    with (
        page(
            "".join(f'm_{number}{{group_id="{name}"}} 1\n' for number in range(len(CASES)) for name in "abc")
        ) as address,
        prometheus_with(program, rules, tmp_path, [scrape("page", address, [{}])]) as server,
    ):
        assert within(PATIENCE, lambda: all(group_is_active(server, name) for name in CASES))
        server.wait_for_evaluation()
        before = running(server)
        intended, faults = read_files(files_of(after=True))
        assert faults == ()
        found = resets(
            before, intended, same_query(lambda query: str(server.ask("format_query", query=query)))
        )

        (rules / "f.yml").unlink()
        for file, data in files_of(after=True).items():
            (rules / file).write_bytes(data)
        assert server.reload().status_code == 200
        server.wait_for_evaluation()
        after = running(server)

    gone = set(active(before)) - set(active(after))
    lost = (*found.start_over, *found.end)
    assert {(a.file, a.group, a.rule, repr(sorted(a.labels.items())), a.active_at) for a in lost} == gone

    fates = dict.fromkeys(CASES, "kept")
    fates |= {lost.group: "ends" for lost in found.end} | {
        lost.group: "starts over" for lost in found.start_over
    }
    assert fates == {name: case.fate for name, case in CASES.items()}

    # What starts over is really there again, and knows nothing of what was before.
    since = max(alert[-1] for alert in active(before))
    fresh = {f"{alert[2]} in {alert[0]}, group {alert[1]}" for alert in active(after) if alert[-1] > since}
    assert {lost.heir for lost in found.start_over} <= fresh


def group_is_active(server: Server, name: str) -> bool:
    return any(rule.active for group in running(server) if group.name == name for rule in group.rules)
