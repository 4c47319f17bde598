from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from rulecompiler.cli.report_file import write_report


def test_a_file_is_made_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "plan.html"
    assert write_report(str(path), "one →\n") is None
    assert write_report(str(path), "two\n") is None
    assert path.read_text("utf-8") == "two\n"
    assert os.listdir(tmp_path) == ["plan.html"]


def test_what_cannot_be_encoded_is_spelt_out(tmp_path: Path) -> None:
    assert write_report(str(tmp_path / "x"), "a\udcffb") is None
    assert (tmp_path / "x").read_text("utf-8") == r"a\udcffb"


def test_a_link_and_a_mode_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    assert write_report(str(link), "new") is None
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    thread = threading.Thread(target=lambda: read.append(pipe.read_text()))
    thread.start()
    assert write_report(str(pipe), "text") is None
    thread.join()
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["missing/plan.html", ".", "file/plan.html", "x" * 300])
def test_what_cannot_be_written_is_a_diagnostic(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("old")
    fault = write_report(str(tmp_path / name), "text")
    assert fault is not None
    assert fault.code == "RC735"
    assert os.listdir(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "old"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    fault = write_report(str(path), "new")
    assert fault is not None
    assert "No space left on device" in fault.message
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["plan.html"]
