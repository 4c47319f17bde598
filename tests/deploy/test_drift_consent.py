"""Consent to a drift lets what others changed be overwritten, and nothing more than that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rulecompiler.deploy import inspection
from rulecompiler.deploy.opening import site_of
from rulecompiler.deploy.target import Consent
from tests.deploy.disk_world import NEW, OLD, OTHER, DiskWorld
from tests.deploy.spoilt_runs import run
from tests.deploy.world import codes, release

DRIFT = Consent(drift=True)
NO_ALERT_BUT_ONE = release(a=OLD.files["group-a.yml"])
EDITS: dict[str, Callable[[Path], object]] = {
    "gone": lambda path: path.unlink(),
    "renamed": lambda path: path.write_bytes(path.read_bytes().replace(b"name: b", b"name: bb")),
    "another label": lambda path: path.write_bytes(path.read_bytes().replace(b"warning", b"page")),
}


def live_file(w: DiskWorld, name: str) -> Path:
    return w.folder / ("current" if w.target.layout == "release" else "") / name


@pytest.mark.parametrize("edit", EDITS)
def test_what_lies_there_is_not_loaded_where_that_resets_an_alert_that_stays(w: DiskWorld, edit: str) -> None:
    EDITS[edit](live_file(w, "group-b.yml"))
    w.refuses(NEW, "RC875", DRIFT)
    w.alerts_live_on()
    # An alert that the release ends in any case is no reason.
    assert w.deploy(NO_ALERT_BUT_ONE, DRIFT, dry_run=True).exit_code == 0
    assert w.deploy(NEW, Consent(drift=True, alert_reset=True)).exit_code == 0
    w.holds(NEW)


@pytest.mark.parametrize(
    "content", [b"groups: [", b"groups: {}\n", b"\xff\n", b"groups:\n- name: b\n  rule: []\n"]
)
def test_what_lies_there_and_cannot_be_loaded_is_refused_before_anything_is_touched(
    w: DiskWorld, content: bytes
) -> None:
    path = live_file(w, "group-b.yml")
    whole = path.read_bytes()
    path.write_bytes(b"# Compiled by rulecompiler\n" + content)
    w.refuses(OTHER, "RC874", DRIFT)
    path.write_bytes(whole)
    w.arrives(OTHER)


def test_what_was_deleted_by_hand_and_still_runs_is_a_drift_also_once_it_is_taken_over(w: DiskWorld) -> None:
    live_file(w, "group-b.yml").unlink()
    bad = w.scratch / "foreign" / "bad.yml"
    bad.write_text("groups: [")
    left = release(a=OLD.files["group-a.yml"], c=OLD.files["group-c.yml"])
    try:
        assert w.deploy(left, Consent(drift=True, alert_reset=True)).exit_code == 4
    finally:
        bad.unlink()
    assert w.ours() == left.files
    assert not w.runs(left)
    site = site_of(w.target, None)
    with site.server:
        assert inspection.drift(site, left).found
    assert w.deploy(left, Consent(alert_reset=True)).exit_code == 0
    w.holds(left)


def test_a_file_deleted_by_hand_while_a_way_back_is_open_is_a_drift_and_no_other_deployment(
    w: DiskWorld,
) -> None:
    # The server gets no answer through, so that the files go back and nobody knows what runs.
    assert run(w, OTHER, Consent(), reloads="cut for good").code == 4
    live_file(w, "group-c.yml").unlink()  # which the other release does not have anyway
    result = w.deploy(OTHER)
    assert result.exit_code == 4, result
    assert codes(result) & {"RC837", "RC856"}
    assert w.deploy(OTHER, DRIFT).exit_code == 0
    w.holds(OTHER)


def test_a_link_led_elsewhere_while_a_way_back_is_open_can_be_overwritten(w: DiskWorld) -> None:
    if w.target.layout == "flat":
        pytest.skip("the flat layout has no link")
    third = release(**{name[6:-4]: data for name, data in {**OTHER.files, **OLD.files}.items()})
    for wanted in (third, OLD):
        assert w.deploy(wanted).exit_code == 0
    assert run(w, OTHER, Consent(), reloads="cut for good").code == 4
    (w.folder / "next").symlink_to(f"releases/{third.id}")
    (w.folder / "next").rename(w.folder / "current")
    live_file(w, "group-e.yml").unlink()  # what is left is in one of the two releases, each file of it
    assert w.deploy(OTHER).exit_code == 4
    assert w.deploy(OTHER, DRIFT).exit_code == 0
    w.holds(OTHER)
