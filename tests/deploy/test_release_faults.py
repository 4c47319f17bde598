"""Faults 50 to 53: releases that are large, and releases that must not be deployed unasked."""

from __future__ import annotations

import pytest

from rulecompiler.deploy.release import Release
from rulecompiler.deploy.target import Consent
from tests.deploy.disk_world import OLD, DiskWorld
from tests.deploy.world import codes, release, rule_file
from tests.servers import within


def many(count: int, last: str = "vector(0) > 4") -> Release:
    files = dict(OLD.files)
    for number in range(count):
        expr = last if number == count - 1 else "vector(0) > 4"
        files[f"group-n{number:05}.yml"] = rule_file(f"n{number}", alert="Never", expr=expr)
    return Release(files)


def test_fault_50_many_files(w: DiskWorld) -> None:
    wanted = many(600)  # 10,000 were tried by hand
    before = w.reloads()
    assert w.deploy(wanted).exit_code == 0
    assert w.ours() == wanted.files
    assert w.reloads() == before + 2
    changed = many(600, last="vector(0) > 5")
    seen = w.snapshot()
    assert w.deploy(changed).exit_code == 0
    assert w.ours() == changed.files
    if w.target.layout == "flat":
        # One file was replaced, no other one touched.
        now = w.snapshot()
        ours = [name for name in seen if name.startswith("group-")]
        assert [name for name in ours if now[name] != seen[name]] == ["group-n00599.yml"]
    w.arrives(OLD)


def group_of(count: int) -> bytes:
    head = rule_file("big", alert="Never", expr="vector(0) > 4").decode()
    lines = head.splitlines(keepends=True)
    start = next(number for number, line in enumerate(lines) if "alert:" in line)
    return ("".join(lines[:start]) + "".join(lines[start:]) * count).encode()


def test_fault_51_a_group_above_the_limit(w: DiskWorld) -> None:
    wanted = Release({**OLD.files, "group-big.yml": group_of(50)})
    before, reloads = w.snapshot(), w.reloads()
    result = w.deploy(wanted, max_rules_per_group=49)
    assert (result.exit_code, codes(result)) == (2, {"RC872"})
    assert (w.snapshot(), w.reloads()) == (before, reloads)
    w.holds(OLD)
    assert w.deploy(wanted, max_rules_per_group=50).exit_code == 0
    # It is not refused for what runs already, as that is no longer a risk; but as soon as it changes.
    bigger = Release({**OLD.files, "group-big.yml": group_of(51)})
    assert w.deploy(bigger, max_rules_per_group=50).exit_code == 2


RENAMES: dict[str, Release] = {
    "a file": Release({("group-z.yml" if n == "group-b.yml" else n): d for n, d in OLD.files.items()}),
    "a group": Release(
        {**OLD.files, "group-b.yml": OLD.files["group-b.yml"].replace(b"name: b", b"name: renamed")}
    ),
    "a label": Release(
        {
            **OLD.files,
            "group-b.yml": OLD.files["group-b.yml"].replace(b"severity: warning", b"severity: page"),
        }
    ),
    "a move to another file": Release(
        {
            "group-a.yml": OLD.files["group-a.yml"],
            "group-c.yml": OLD.files["group-c.yml"],
            "group-moved.yml": OLD.files["group-b.yml"].replace(b"name: b", b"name: moved"),
        }
    ),
}


@pytest.mark.parametrize("what", RENAMES)
def test_fault_52_a_rename_with_active_alerts(w: DiskWorld, what: str) -> None:
    wanted = RENAMES[what]
    w.refuses(wanted, "RC875")
    w.holds(OLD)
    w.intact(OLD)
    before = w.started_at
    result = w.deploy(wanted, Consent(alert_reset=True))
    assert (result.exit_code, codes(result)) == (0, set())
    assert w.ours() == wanted.files
    assert w.runs(wanted)
    assert within(5, lambda: "StaysB" in w.active())
    now = w.active()
    # Only what was agreed to has started over.
    assert now["StaysA"] == before["StaysA"]
    assert now["StaysB"] != before["StaysB"]
    # The consent was for this time.
    w.refuses(OLD, "RC875")
    assert w.deploy(OLD, Consent(alert_reset=True)).exit_code == 0


def test_fault_52_an_alert_that_ends_with_its_rule_needs_no_consent(w: DiskWorld) -> None:
    wanted = Release({name: data for name, data in OLD.files.items() if name != "group-b.yml"})
    result = w.deploy(wanted)
    assert (result.exit_code, codes(result)) == (0, {"RC876"})
    assert w.runs(wanted)


NOTHING: dict[str, Release] = {
    "no file": Release({}),
    "files without groups": release(a=OLD.files["group-a.yml"].partition(b"groups:")[0] + b"groups: []\n"),
    "groups without rules": release(
        a=OLD.files["group-a.yml"].partition(b"groups:")[0] + b"groups:\n- name: a\n  rules: []\n"
    ),
}


@pytest.mark.parametrize("what", NOTHING)
def test_fault_53_an_empty_set(w: DiskWorld, what: str) -> None:
    wanted = NOTHING[what]
    w.refuses(wanted, "RC871")
    w.holds(OLD)
    w.intact(OLD)
    result = w.deploy(wanted, Consent(empty=True))
    assert result.exit_code == 0, result
    assert w.ours() == wanted.files
    assert [rules for key, rules in w.running().items() if key[0].startswith("group-") and rules] == []
    reloads = w.reloads()
    assert w.deploy(wanted, Consent(empty=True)).exit_code == 0
    assert w.reloads() == reloads
    assert w.deploy(OLD).exit_code == 0
    w.holds(OLD)


OF_ANOTHER_REPO = Release({"group-theirs.yml": rule_file("theirs", alert="Theirs", expr="vector(0) > 4")})


def test_a_release_that_keeps_nothing_of_what_runs_is_another_repos(w: DiskWorld) -> None:
    w.arrives(OLD)
    w.refuses(OF_ANOTHER_REPO, "RC869")
    w.holds(OLD)
    assert w.deploy(OF_ANOTHER_REPO, Consent(empty=True, alert_reset=True)).exit_code == 0
    assert w.ours() == OF_ANOTHER_REPO.files


def test_one_file_that_stays_is_enough(w: DiskWorld) -> None:
    name = min(OLD.files)
    mixed = Release({name: OLD.files[name], **OF_ANOTHER_REPO.files})
    assert w.deploy(mixed, Consent(alert_reset=True)).exit_code == 0
