"""What a deployer leaves for the next one, and the lock that keeps two apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rulecompiler.deploy.journal import (
    Deployment,
    Journal,
    State,
    clear_journal,
    lock,
    read_journal,
    read_state,
    write_journal,
    write_state,
)
from rulecompiler.deploy.release_layout import ReleaseLayout
from rulecompiler.diagnostics import Diagnostic
from tests.deploy.folders import NEW, OLD, everything

NOTHING = State(None, (), {})
FULL = State(
    NEW.id,
    (Deployment(NEW.id, "2026-01-02T03:04:05Z", "c0ffee"), Deployment(OLD.id, "", "")),
    {"a" * 64: "b", "c": "d"},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert ReleaseLayout(tmp_path / "rules").prepare() is None
    return tmp_path / "rules"


def code(result: object) -> str:
    assert isinstance(result, Diagnostic), result
    assert result.help
    return result.code


@pytest.mark.parametrize(
    "journal",
    [Journal(OLD.id, NEW.id, "forward"), Journal(None, NEW.id, "back"), Journal(OLD.id, None, "forward")],
)
def test_a_journal_is_read_as_it_was_written_until_it_is_cleared(folder: Path, journal: Journal) -> None:
    assert read_journal(folder) is None
    assert write_journal(folder, Journal(None, None, "back")) is None
    assert write_journal(folder, journal) is None
    assert read_journal(folder) == journal
    assert clear_journal(folder) is None
    assert read_journal(folder) is None
    assert clear_journal(folder) is None


@pytest.mark.parametrize("state", [NOTHING, FULL, State(None, FULL.history, {})])
def test_a_state_is_read_as_it_was_written(folder: Path, state: State) -> None:
    assert read_state(folder) == NOTHING
    assert write_state(folder, FULL) is None
    assert write_state(folder, state) is None
    assert read_state(folder) == state


def test_what_is_written_already_is_not_written_again(folder: Path) -> None:
    write_state(folder, FULL)
    write_journal(folder, Journal(OLD.id, NEW.id, "forward"))
    before = everything(folder)
    assert write_state(folder, FULL._replace(proofs=dict(reversed(list(FULL.proofs.items()))))) is None
    assert write_journal(folder, Journal(OLD.id, NEW.id, "forward")) is None
    assert everything(folder) == before
    assert clear_journal(folder) is None
    before = everything(folder)
    assert clear_journal(folder) is None
    assert everything(folder) == before


def test_without_a_folder_there_is_nothing_and_nothing_is_made(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    assert read_journal(folder) is None
    assert read_state(folder) == NOTHING
    assert clear_journal(folder) is None
    assert code(write_journal(folder, Journal(None, NEW.id, "forward"))) == "RC847"
    assert code(write_state(folder, FULL)) == "RC847"
    with lock(folder) as fault:
        assert code(fault) == "RC845"
    assert not folder.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        "\x00",
        "[" * 100_000,
        "{}",
        '{"format": 2, "old": null, "new": null, "direction": "back", "live": null, "history": []}',
        '{"format": 1, "old": null, "new": null, "direction": "up"}',
        '{"format": 1, "old": 3, "new": null, "direction": "back"}',
        '{"format": 1, "old": "../../x", "new": null, "direction": "back"}',
        '{"format": 1, "live": "x", "history": [], "proofs": {}}',
        '{"format": 1, "live": null, "history": [["x", "", ""]], "proofs": {}}',
        '{"format": 1, "live": null, "history": [[]], "proofs": {}}',
        '{"format": 1, "live": null, "history": {}, "proofs": []}',
        '{"format": 1, "live": null, "history": [], "proofs": {"a": 1}}',
        '{"format": 1, "live": null, "history": [], "proofs": {"a": null}}',
    ],
)
def test_a_damaged_record_is_a_fault_and_can_be_replaced(folder: Path, text: str) -> None:
    for name in ("journal.json", "state.json"):
        (folder / ".rulecompiler" / name).write_text(text)
    assert code(read_journal(folder)) == "RC846"
    assert code(read_state(folder)) == "RC846"
    assert write_journal(folder, Journal(None, NEW.id, "back")) is None
    assert write_state(folder, FULL) is None
    assert read_state(folder) == FULL


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    secret = path.parents[2] / "secret"
    secret.write_text("password")
    path.symlink_to(secret)


@pytest.mark.parametrize("plant", [pipe, link, Path.mkdir])
def test_nothing_but_a_file_is_read_or_locked(folder: Path, plant: Callable[[Path], None]) -> None:
    for name in ("journal.json", "state.json", "lock"):
        plant(folder / ".rulecompiler" / name)
    before = {key: value for key, value in everything(folder.parent).items() if "secret" in key}
    for found in (read_journal(folder), read_state(folder)):
        assert code(found) == "RC843"
        assert "password" not in str(found)
    with lock(folder) as fault:
        assert code(fault) == "RC845"
    # What is written takes the place of a planted file, and never goes where it leads.
    wrote = write_journal(folder, Journal(None, NEW.id, "back"))
    assert (wrote is None) == (plant is not Path.mkdir)
    assert {key: value for key, value in everything(folder.parent).items() if "secret" in key} == before


def test_two_deployers_of_one_folder_are_kept_apart(folder: Path, tmp_path: Path) -> None:
    with lock(folder) as fault:
        assert fault is None
        with lock(folder) as second:
            assert code(second) == "RC844"
        with lock(folder) as third:  # the second gave nothing back that was not its own
            assert code(third) == "RC844"
    before = everything(folder)
    with lock(folder) as fault:
        assert fault is None
    assert everything(folder) == before
    assert ReleaseLayout(tmp_path / "other").prepare() is None
    with lock(folder) as one, lock(tmp_path / "other") as other:
        assert (one, other) == (None, None)


def test_the_lock_ends_with_its_process(folder: Path) -> None:
    holder = (
        "import sys, pathlib\n"
        "from rulecompiler.deploy.journal import lock\n"
        "with lock(pathlib.Path(sys.argv[1])) as fault:\n"
        "    print(fault, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    source = str(Path(__file__).resolve().parents[2] / "src")
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(folder)],
        env={**os.environ, "PYTHONPATH": source},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"None\n"
        with lock(folder) as fault:
            assert code(fault) == "RC844"
        process.kill()
    with lock(folder) as fault:
        assert fault is None
