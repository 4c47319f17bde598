from __future__ import annotations

import errno
import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rulecompiler import output
from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.generated_file import MARKER

HEADER = f"# {MARKER} Do not edit: the next compile overwrites this file.\n"
OLD = HEADER + "groups: []\n"
NEW = HEADER + "groups:\n- name: new\n"


def generated(root: Path, **files: str) -> Path:
    folder = root / "generated"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"group-{name}.yml").write_text(text)
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def codes(faults: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    found = []
    for fault in faults:
        assert isinstance(fault.place, Span)
        assert fault.help
        found.append((fault.code, fault.place.path))
    return found


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere; whoever runs this must not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that another user can reach, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def full_disk(patch: pytest.MonkeyPatch, after: int) -> None:
    """Opening the next file fails once `after` of them are open."""
    real, opened = os.open, []

    def fail(path: Any, flags: int, *args: Any, **more: Any) -> int:
        if flags & os.O_CREAT:
            opened.append(path)
            if len(opened) > after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, flags, *args, **more)

    patch.setattr(os, "open", fail)


class TestScan:
    def test_a_missing_folder_is_an_empty_one(self, tmp_path: Path) -> None:
        assert output.scan(tmp_path, "generated") == ({}, ())

    def test_our_own_files_have_size_and_digest(self, tmp_path: Path) -> None:
        generated(tmp_path, b=NEW, a=OLD)
        files, faults = output.scan(tmp_path, "generated")
        assert faults == ()
        assert list(files) == ["group-a.yml", "group-b.yml"]
        assert files["group-a.yml"] == (len(OLD), output.digest(OLD))

    @pytest.mark.parametrize("name", [".gitkeep", ".gitignore", ".gitattributes", ".group-a.yml.12.tmp"])
    def test_passes_over(self, tmp_path: Path, name: str) -> None:
        (generated(tmp_path) / name).touch()
        assert output.scan(tmp_path, "generated") == ({}, ())

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("notes.txt", "mine\n"),
            ("group-a.yml", "groups: []\n"),  # our name, somebody's content
            ("group-a.yml", ""),
            ("group-a.yml", "groups: []\n" + HEADER),
            ("rules.yml", OLD),  # our content, somebody's name
            ("group-A.yml", OLD),
            ("group-a.yaml", OLD),
            (".env", "SECRET=1\n"),
            (".group-a.yml.tmp", OLD),
        ],
    )
    def test_refuses_a_foreign_file_and_leaves_it(self, tmp_path: Path, name: str, text: str) -> None:
        (generated(tmp_path) / name).write_text(text)
        files, faults = output.scan(tmp_path, "generated")
        assert files == {}
        assert codes(faults) == [("RC703", f"generated/{name}")]
        assert content(tmp_path / "generated") == {name: text}

    def test_refuses_what_is_no_file(self, tmp_path: Path) -> None:
        folder = generated(tmp_path)
        (folder / "group-folder.yml").mkdir()
        os.mkfifo(folder / "group-pipe.yml")  # reading it would wait for ever
        (tmp_path / "elsewhere.yml").write_text(OLD)
        (folder / "group-link.yml").symlink_to(tmp_path / "elsewhere.yml")
        (folder / "group-loop.yml").symlink_to("group-loop.yml")
        _, faults = output.scan(tmp_path, "generated")
        names = ("folder", "link", "loop", "pipe")
        assert codes(faults) == [("RC703", f"generated/group-{name}.yml") for name in names]

    def test_a_foreign_file_of_any_size_is_not_read(self, tmp_path: Path) -> None:
        with (generated(tmp_path) / "group-huge.yml").open("wb") as file:
            file.truncate(1 << 42)  # 4 TiB, all of it a hole
        _, faults = output.scan(tmp_path, "generated")
        assert codes(faults) == [("RC703", "generated/group-huge.yml")]

    def test_refuses_a_file_in_the_folders_place(self, tmp_path: Path) -> None:
        (tmp_path / "generated").write_text("mine\n")
        _, faults = output.scan(tmp_path, "generated")
        assert codes(faults) == [("RC701", "generated")]

    def test_refuses_a_link_in_the_folders_place(self, tmp_path: Path) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "generated").symlink_to("real")
        _, faults = output.scan(tmp_path, "generated")
        assert codes(faults) == [("RC701", "generated")]

    @pytest.mark.parametrize("there", [True, False])
    def test_refuses_a_way_out_of_the_repo(self, tmp_path: Path, there: bool) -> None:
        root, outside = tmp_path / "repo", tmp_path / "outside"
        root.mkdir()
        (outside / "rules").mkdir(parents=True)
        (root / "link").symlink_to(outside)
        _, faults = output.scan(root, "link/rules" if there else "link/new")
        assert codes(faults) == [("RC701", "link/rules" if there else "link/new")]

    def test_says_when_it_may_not_read(self, public: Path) -> None:
        folder = generated(public, a=OLD)
        folder.chmod(0)
        with as_nobody():
            _, faults = output.scan(public, "generated")
        folder.chmod(0o755)
        assert codes(faults) == [("RC702", "generated")]
        assert "Permission denied" in faults[0].message


class TestWrite:
    def test_makes_the_folder_and_touches_only_what_it_is_given(self, tmp_path: Path) -> None:
        assert output.write(tmp_path, "out/generated", {"group-a.yml": NEW}, ()) is None
        folder = tmp_path / "out/generated"
        assert content(folder) == {"group-a.yml": NEW}
        before = (folder / "group-a.yml").stat()
        assert output.write(tmp_path, "out/generated", {"group-b.yml": NEW}, ()) is None
        after = (folder / "group-a.yml").stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)

    def test_replaces_and_removes(self, tmp_path: Path) -> None:
        folder = generated(tmp_path, a=OLD, gone=OLD)
        assert output.write(tmp_path, "generated", {"group-a.yml": NEW}, ("group-gone.yml",)) is None
        assert content(folder) == {"group-a.yml": NEW}

    def test_a_reader_of_the_old_file_keeps_it_whole(self, tmp_path: Path) -> None:
        folder = generated(tmp_path, a=OLD)
        with (folder / "group-a.yml").open() as reader:
            output.write(tmp_path, "generated", {"group-a.yml": NEW}, ())
            assert reader.read() == OLD

    def test_nothing_to_write_makes_nothing(self, tmp_path: Path) -> None:
        assert output.write(tmp_path, "generated", {}, ()) is None
        assert not (tmp_path / "generated").exists()

    @pytest.mark.parametrize("new", [{}, {"group-a.yml": NEW}])
    def test_takes_away_what_a_killed_compile_staged(self, tmp_path: Path, new: Mapping[str, str]) -> None:
        folder = generated(tmp_path, a=NEW)
        (folder / ".group-a.yml.99.tmp").write_text("half")
        (folder / ".gitkeep").touch()
        assert output.write(tmp_path, "generated", new, ()) is None
        assert sorted(content(folder)) == [".gitkeep", "group-a.yml"]

    @pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o644)])
    def test_the_mode_follows_the_umask(self, tmp_path: Path, umask: int, mode: int) -> None:
        before = os.umask(umask)
        try:
            output.write(tmp_path, "generated", {"group-a.yml": NEW}, ())
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "generated/group-a.yml").stat().st_mode) == mode

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_a_disk_that_is_full_changes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        folder = generated(tmp_path, a=OLD, gone=OLD)
        before = content(folder)
        with monkeypatch.context() as patch:
            full_disk(patch, after)
            new = {f"group-{name}.yml": NEW for name in "abc"}
            fault = output.write(tmp_path, "generated", new, ("group-gone.yml",))
        assert fault is not None
        assert codes((fault,)) == [("RC705", "generated")]
        assert fault.message == (
            "`generated` cannot be written, so nothing was written: No space left on device"
        )
        assert content(folder) == before

    def test_a_disk_that_is_really_full_changes_nothing(self, tmp_path: Path) -> None:
        folder = generated(tmp_path)
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("this needs a file system of its own")
        try:
            generated(tmp_path, a=OLD)
            new = {"group-a.yml": NEW, "group-b.yml": HEADER + "#" * 100_000}
            fault = output.write(tmp_path, "generated", new, ())
            assert fault is not None
            assert "nothing was written: No space left on device" in fault.message
            assert content(folder) == {"group-a.yml": OLD}
        finally:
            subprocess.run(["umount", str(folder)], check=True)

    def test_a_folder_that_is_read_only_changes_nothing(self, public: Path) -> None:
        folder = generated(public, a=OLD)
        folder.chmod(0o555)
        with as_nobody():
            fault = output.write(public, "generated", {"group-a.yml": NEW}, ())
        folder.chmod(0o755)
        assert fault is not None
        assert codes((fault,)) == [("RC705", "generated")]
        assert "Permission denied" in fault.message
        assert content(folder) == {"group-a.yml": OLD}

    def test_says_how_far_it_came_when_replacing_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = generated(tmp_path, a=OLD, b=OLD)
        real = os.replace

        def fail(source: Path, target: Path) -> None:
            if target.name == "group-b.yml":
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            real(source, target)

        monkeypatch.setattr(os, "replace", fail)
        new = {"group-a.yml": NEW, "group-b.yml": NEW}
        fault = output.write(tmp_path, "generated", new, ())
        assert fault is not None
        assert fault.message == "`generated` cannot be written after 1 of 2 files: Operation not permitted"
        assert content(folder) == {"group-a.yml": NEW, "group-b.yml": OLD}

    def test_an_interrupt_leaves_nothing_staged(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = generated(tmp_path, a=OLD)

        def interrupt(source: Path, target: Path) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            output.write(tmp_path, "generated", {"group-a.yml": NEW}, ())
        assert content(folder) == {"group-a.yml": OLD}


class TestRead:
    def test_damage_is_made_visible(self, tmp_path: Path) -> None:
        (generated(tmp_path) / "group-a.yml").write_bytes(b"a\xffb")
        assert output.read(tmp_path, "generated", "group-a.yml") == "a\\xffb"

    def test_a_file_that_just_went_is_none(self, tmp_path: Path) -> None:
        generated(tmp_path)
        assert output.read(tmp_path, "generated", "group-a.yml") is None
