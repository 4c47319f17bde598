"""The getter, on archives and sources made here: no network, no apt."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

import apt_unpack
import get_prometheus
from apt_unpack import AptSource

SCRIPT = "#!/bin/sh\necho 'promtool, version 9.8.7+ds (branch: x)'\n"


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".tools"
    monkeypatch.setattr(get_prometheus, "TOOLS", folder)
    monkeypatch.delenv("PROMTOOL_PATH", raising=False)
    monkeypatch.setenv("PATH", "/nonexistent:/usr/bin:/bin")
    return folder


def archive(folder: Path, names: tuple[str, ...] = ("promtool", "prometheus"), script: str = SCRIPT) -> Path:
    path = folder / "release.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(f"prometheus-9.8.7.linux-amd64/{name}")
            info.mode, info.size = 0o755, len(script)
            tar.addfile(info, io.BytesIO(script.encode()))
    return path


def checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("as_url", [True, False], ids=["file URL", "path"])
def test_archive_with_the_right_checksum_is_linked_into_bin(
    tmp_path: Path, tools: Path, as_url: bool
) -> None:
    release = archive(tmp_path)
    place = release.as_uri() if as_url else str(release)
    assert get_prometheus.main(["--archive", place, "--sha256", checksum(release).upper()]) == 0
    assert (tools / "prometheus-9.8.7" / "promtool").is_file()
    assert get_prometheus.version_of(tools / "bin" / "promtool") == "9.8.7"
    assert get_prometheus.version_of(tools / "bin" / "prometheus") == "9.8.7"


def test_archive_with_another_checksum_leaves_nothing(
    tmp_path: Path, tools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert get_prometheus.main(["--archive", str(archive(tmp_path)), "--sha256", "0" * 64]) == 1
    assert "nothing was unpacked" in capsys.readouterr().err
    assert [path.name for path in tools.iterdir()] == [".lock"]


@pytest.mark.parametrize(
    ("names", "script", "said"),
    [
        (("promtool",), SCRIPT, "prometheus not found"),
        (
            ("promtool", "prometheus"),
            "#!/bin/sh\necho GLIBC_9.9 not found >&2; exit 1\n",
            "GLIBC_9.9 not found",
        ),
    ],
    ids=["program missing", "program does not run"],
)
def test_archive_that_is_no_use_leaves_nothing(
    tmp_path: Path,
    tools: Path,
    capsys: pytest.CaptureFixture[str],
    names: tuple[str, ...],
    script: str,
    said: str,
) -> None:
    release = archive(tmp_path, names, script)
    assert get_prometheus.main(["--archive", str(release), "--sha256", checksum(release)]) == 1
    assert said in capsys.readouterr().err
    assert [path.name for path in tools.iterdir()] == [".lock"]


def test_archive_without_checksum_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        get_prometheus.main(["--archive", str(archive(tmp_path))])


@pytest.mark.parametrize(
    ("printed", "origin", "version"),
    [
        ("promtool, version 2.53.3+ds1 (branch: x)", "", "2.53.3"),
        ("node_exporter, version 1.5.0, branch: x", "", "1.5.0"),
        ("vmalert-20230407-010101-tags-v1.90.0-0-gb5d18c0", "", "1.90.0"),
        ("", "Debian package victoria-metrics 1.79.5+ds1-2+b5", "1.79.5"),
    ],
    ids=["Prometheus", "comma", "vmalert", "Debian's vmalert says nothing"],
)
def test_version_of_a_program(tmp_path: Path, printed: str, origin: str, version: str) -> None:
    program = tmp_path / "home" / "program"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho '{printed}'\n")
    program.chmod(0o755)
    (program.parent / "ORIGIN").write_text(origin)
    link = tmp_path / "program"
    link.symlink_to(program)
    assert get_prometheus.version_of(link) == version


@pytest.mark.parametrize("code", [0, 1])
def test_program_whose_version_nobody_knows_is_a_failure(tmp_path: Path, code: int) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    if code:
        (tmp_path / "ORIGIN").write_text("Debian package victoria-metrics 1.79.5+ds1-2")
    with pytest.raises(get_prometheus.Failure, match="does not run here"):
        get_prometheus.version_of(program)


def test_left_over_of_a_killed_run_is_cleared_and_not_taken_for_complete(tmp_path: Path, tools: Path) -> None:
    (tools / ".work-killed" / "ready").mkdir(parents=True)
    (tools / ".work-killed" / "ready" / "promtool").write_text(SCRIPT)
    assert get_prometheus.find("promtool") is None
    release = archive(tmp_path)
    get_prometheus.from_archive(str(release), checksum(release), ("promtool",))
    assert not (tools / ".work-killed").exists()


def test_what_is_on_path_comes_before_tools(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in (tmp_path / "path", tools / "bin", tmp_path / "named"):
        folder.mkdir(parents=True)
        (folder / "promtool").write_text(SCRIPT)
        (folder / "promtool").chmod(0o755)
    assert get_prometheus.find("promtool") == tools / "bin" / "promtool"
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    assert get_prometheus.find("promtool") == tmp_path / "path" / "promtool"
    monkeypatch.setenv("PROMTOOL_PATH", str(tmp_path / "named" / "promtool"))
    assert get_prometheus.find("promtool") == tmp_path / "named" / "promtool"


DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: trixie
 trixie-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: trixie
Components: main
"""
ONE_LINE = """\
# deb http://off.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib  # ours
deb http://mirror.example/debian bookworm-updates main
"""


def test_machine_sources_reads_both_formats(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "old.sources.disabled").write_text(DEB822)
    mirror, keyring = "http://mirror.example/debian", "/usr/share/keyrings/debian-archive-keyring.gpg"
    assert apt_unpack.machine_sources(tmp_path) == (
        AptSource(mirror, "bookworm", "main contrib", "/k.gpg"),
        AptSource(mirror, "bookworm-updates", "main", None),
        AptSource(mirror, "trixie", "main contrib", keyring),
        AptSource(mirror, "trixie-updates", "main contrib", keyring),
    )


@pytest.mark.parametrize(("debian", "found"), [(True, True), (False, False)])
def test_another_suite_is_looked_for_only_on_debian(
    monkeypatch: pytest.MonkeyPatch, debian: bool, found: bool
) -> None:
    monkeypatch.setattr(apt_unpack, "_is_debian", lambda: debian)
    machine = (
        AptSource("http://security.example", "trixie-security", "main"),
        AptSource("http://mirror.example", "trixie", "main contrib"),
    )
    source = apt_unpack.debian_suite(machine, "bookworm")
    assert (source is not None) is found
    if source:
        assert (source.uri, source.suite, source.components) == ("http://mirror.example", "bookworm", "main")
