"""Which files of a repo are read, which are refused, and that nothing on disk makes it hang."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rulecompiler.diagnostics import Diagnostic, Severity, Span
from rulecompiler.model import Source
from rulecompiler.sources import MAX_BYTES, RawFile, decode, read, scan

FOLDERS = ("alerts/templates", "alerts/groups")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
    return root


def put(repo: Path, path: str, data: str | bytes = "a: 1\n") -> Path:
    file = repo / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return file


def paths(repo: Path, *folders: str) -> list[str]:
    """What is read without any fault."""
    files, faults = scan(repo, folders or FOLDERS)
    assert faults == ()
    return [file.path for file in files]


def faults(repo: Path, *folders: str) -> list[tuple[str, str]]:
    """Code and path of each fault."""
    found = scan(repo, folders or FOLDERS)[1]
    for fault in found:
        assert fault.message
        assert fault.help
        assert fault.place is None or isinstance(fault.place, Span)
    return [(fault.code, fault.place.path if fault.place else "") for fault in found]


def the_fault(repo: Path) -> Diagnostic:
    (fault,) = scan(repo, FOLDERS)[1]
    return fault


def test_files_are_found_in_the_order_of_their_paths(repo: Path) -> None:
    expected = [
        f"alerts/{name}" for name in ("groups/Z.yaml", "groups/a-b.yml", "groups/a/b.yaml", "groups/é.yaml")
    ]
    expected += [f"alerts/templates/node/{name}.yaml" for name in ("A", "B", "deep/er/C")]
    shuffled = list(expected)
    random.Random(7).shuffle(shuffled)
    for path in shuffled:
        put(repo, path)

    assert paths(repo) == expected
    assert paths(repo, "alerts") == expected
    assert paths(repo, ".") == expected
    assert paths(repo, "alerts/groups/", "./alerts/groups/a", "alerts/templates/../templates") == expected


def test_a_file_comes_with_its_bytes_and_their_digest(repo: Path) -> None:
    put(repo, "alerts/groups/g.yaml", b"\xef\xbb\xbfa: 1\r\n")

    (file,), _ = scan(repo, FOLDERS)

    assert file == RawFile(
        "alerts/groups/g.yaml", b"\xef\xbb\xbfa: 1\r\n", hashlib.sha256(file.data).hexdigest()
    )
    assert read(repo, "alerts/groups/g.yaml") == file


@pytest.mark.parametrize(
    "name",
    [".hidden.yaml", ".x.yaml.swp", "x.yaml~", "#x.yaml#", ".git/x.yaml", "README.md", "README", ".gitkeep"],
)
def test_what_is_not_meant_is_passed_over(repo: Path, name: str) -> None:
    put(repo, f"alerts/groups/{name}")

    assert paths(repo) == []


@pytest.mark.parametrize("name", ["x.YAML", "x.yaml.bak", "x.json", "yaml", "x.yml.orig"])
def test_another_ending_is_a_warning(repo: Path, name: str) -> None:
    put(repo, f"alerts/groups/{name}")

    fault = the_fault(repo)

    assert (fault.code, fault.severity) == ("RC109", Severity.WARNING)
    assert fault.place == Span(f"alerts/groups/{name}", 1, 1, 1, 1)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8", "de_DE.ISO-8859-1"])
def test_names_do_not_depend_on_the_locale(repo: Path, locale: str) -> None:
    put(repo, "alerts/groups/é.yaml")
    put(repo, "alerts/groups/z.yaml")
    code = (
        "import sys; from pathlib import Path; from rulecompiler.sources import scan\n"
        "print(ascii([file.path for file in scan(Path(sys.argv[1]), ['alerts/groups'])[0]]))"
    )
    environment = {**os.environ, "LC_ALL": locale, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "0"}

    done = subprocess.run(
        [sys.executable, "-c", code, str(repo)], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ascii(["alerts/groups/z.yaml", "alerts/groups/é.yaml"])


def test_a_missing_folder_is_named(repo: Path) -> None:
    fault = scan(repo, ["alerts/nope"])[1][0]

    assert fault.code == "RC102"
    assert fault.message == "the folder alerts/nope cannot be read: no such file or directory"


def test_a_folder_that_is_a_file(repo: Path) -> None:
    put(repo, "alerts/file")

    assert faults(repo, "alerts/file") == [("RC102", "")]


@pytest.mark.parametrize("folder", ["..", "../..", "/", "alerts/../../repo2"])
def test_a_folder_outside_of_the_repo(repo: Path, folder: str) -> None:
    (repo.parent / "repo2").mkdir()
    put(repo.parent, "repo2/x.yaml")

    files, found = scan(repo, [folder])

    assert files == ()
    assert [fault.code for fault in found] == ["RC102"]


def test_links_inside_the_repo_are_followed(repo: Path) -> None:
    put(repo, "vendor/shared/S.yaml", "s: 1\n")
    put(repo, "alerts/groups/real.yaml", "r: 1\n")
    (repo / "alerts/templates/shared").symlink_to("../../vendor/shared")
    (repo / "alerts/templates/one.yaml").symlink_to(repo / "alerts/groups/real.yaml")
    files, found = scan(repo, FOLDERS)

    assert found == ()
    assert {file.path: file.data for file in files} == {
        "alerts/groups/real.yaml": b"r: 1\n",
        "alerts/templates/one.yaml": b"r: 1\n",
        "alerts/templates/shared/S.yaml": b"s: 1\n",
    }


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("../../../outside.yaml", "leads out of the repo"),
        ("/etc/hostname", "leads out of the repo"),
        ("/dev/null", "leads out of the repo"),
        ("../../../repo-2/x.yaml", "leads out of the repo"),
        ("x.yaml", "leads in a circle"),
        ("nope.yaml", "leads nowhere: no such file or directory"),
        ("../../.git/config", "leads to something hidden"),
        ("../../.env", "leads to something hidden"),
        (".hop", "leads out of the repo"),
    ],
)
def test_links_that_are_refused(repo: Path, target: str, words: str) -> None:
    put(repo.parent, "outside.yaml", "secret")
    put(repo.parent, "repo-2/x.yaml", "secret")
    put(repo, ".git/config", "secret")
    put(repo, ".env", "secret")
    (repo / "alerts/groups/.hop").symlink_to("/etc/hostname")
    (repo / "alerts/groups/x.yaml").symlink_to(target)

    files, (fault,) = scan(repo, FOLDERS)

    assert files == ()
    assert (fault.code, fault.message) == ("RC103", f"this link {words}")
    assert fault.place == Span("alerts/groups/x.yaml", 1, 1, 1, 1)


@pytest.mark.parametrize("target", ["..", ".", "../..", "sub", "../templates", "/"])
def test_links_to_folders_that_are_read_already_or_outside(repo: Path, target: str) -> None:
    put(repo, "alerts/groups/sub/g.yaml")
    (repo / "alerts/groups/link").symlink_to(target)

    files, found = scan(repo, FOLDERS)

    assert [file.path for file in files] == ["alerts/groups/sub/g.yaml"]
    assert [(fault.code, fault.place) for fault in found] == [
        ("RC103", Span("alerts/groups/link", 1, 1, 1, 1))
    ]


def test_links_between_folders_do_not_multiply_files(repo: Path) -> None:
    for level in range(12):
        put(repo, f"maze/{level}/g.yaml")
        for door in range(10):
            (repo / f"maze/{level}/door{door}").symlink_to(f"../{(level + 1) % 12}")
    (repo / "alerts/groups/entry").symlink_to("../../maze/0")

    files, found = scan(repo, FOLDERS)

    assert len(files) == 12
    assert {fault.code for fault in found} == {"RC103"}
    assert len(found) == 12 * 10 - 11


def test_special_files_are_refused_without_being_opened(repo: Path) -> None:
    os.mkfifo(repo / "alerts/groups/fifo.yaml")
    os.mkfifo(repo / "pipe")
    (repo / "alerts/groups/link.yaml").symlink_to("../../pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(repo / "alerts/groups", os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{here}/socket.yaml")  # a socket's path must be short
        finally:
            os.close(here)

        assert faults(repo) == [
            ("RC104", "alerts/groups/fifo.yaml"),
            ("RC104", "alerts/groups/link.yaml"),
            ("RC104", "alerts/groups/socket.yaml"),
        ]


def test_a_folder_with_a_files_ending_is_a_folder(repo: Path) -> None:
    put(repo, "alerts/groups/x.yaml/y.yaml")

    assert paths(repo) == ["alerts/groups/x.yaml/y.yaml"]


def test_a_large_file_is_not_read(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(repo, "alerts/groups/fits.yaml", b"#" * MAX_BYTES)
    put(repo, "alerts/groups/over.yaml", b"#" * (MAX_BYTES + 1))
    with put(repo, "alerts/groups/huge.yaml", b"").open("wb") as huge:
        huge.truncate(50 << 30)
    asked: list[int] = []
    real_read = os.read

    def counted(handle: int, count: int) -> bytes:
        asked.append(count)
        return real_read(handle, count)

    monkeypatch.setattr(os, "read", counted)

    files, found = scan(repo, FOLDERS)

    assert [file.path for file in files] == ["alerts/groups/fits.yaml"]
    assert [(fault.code, fault.place.path) for fault in found if fault.place] == [
        ("RC105", "alerts/groups/huge.yaml"),
        ("RC105", "alerts/groups/over.yaml"),
    ]
    assert "53,687,091,200 bytes, more than the 1,048,576" in found[0].message
    assert sum(asked) <= 2 * (MAX_BYTES + 1)


def test_a_file_that_grows_while_it_is_read_is_refused(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(repo, "alerts/groups/g.yaml")
    monkeypatch.setattr(os, "read", lambda handle, count: b"x" * min(count, 100_000))

    assert faults(repo) == [("RC105", "alerts/groups/g.yaml")]


def test_permissions(repo: Path) -> None:
    closed = put(repo, "alerts/groups/g.yaml")
    closed.chmod(0)
    put(repo, "alerts/templates/closed/t.yaml").parent.chmod(0)
    try:
        if os.access(closed, os.R_OK):
            pytest.skip("this user (root, probably) may read every file, whatever its mode")
        assert faults(repo) == [("RC102", ""), ("RC101", "alerts/groups/g.yaml")]
    finally:
        (repo / "alerts/templates/closed").chmod(0o700)


def test_what_the_system_refuses_is_said_in_its_words(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(repo, "alerts/groups/g.yaml")
    put(repo, "alerts/templates/closed/t.yaml")

    def refuse_open(*_: object) -> int:
        raise PermissionError(13, "whatever the locale says")

    real_scandir = os.scandir

    def refuse_closed(path: bytes) -> os._ScandirIterator[bytes]:
        if path.endswith(b"closed"):
            raise PermissionError(13, "whatever the locale says")
        return real_scandir(path)

    monkeypatch.setattr(os, "open", refuse_open)
    monkeypatch.setattr(os, "scandir", refuse_closed)

    files, found = scan(repo, FOLDERS)

    assert files == ()
    assert [(fault.code, fault.message) for fault in found] == [
        ("RC102", "the folder alerts/templates/closed cannot be read: permission denied"),
        ("RC101", "the file cannot be read: permission denied"),
    ]


def test_a_file_that_vanishes_is_a_fault(repo: Path) -> None:
    result = read(repo, "alerts/groups/gone.yaml")

    assert isinstance(result, Diagnostic)
    assert (result.code, result.message) == ("RC101", "the file cannot be read: no such file or directory")


@pytest.mark.parametrize(
    "path", ["../outside.yaml", "/etc/hostname", "alerts/../../outside.yaml", "a\0b.yaml"]
)
def test_one_file_by_a_bad_path(repo: Path, path: str) -> None:
    put(repo.parent, "outside.yaml")

    assert isinstance(read(repo, path), Diagnostic)


def test_a_folder_is_no_file(repo: Path) -> None:
    result = read(repo, "alerts")

    assert isinstance(result, Diagnostic)
    assert result.code == "RC104"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"a\xff.yaml", "a\\udcff.yaml"),
        (b"a\nb.yaml", "a\\nb.yaml"),
        (b"a\x1b[31m.yaml", "a\\x1b[31m.yaml"),
        (b"folder\r/x.yaml", "folder\\r"),
    ],
)
def test_names_that_cannot_be_printed(repo: Path, name: bytes, shown: str) -> None:
    path = os.fsencode(repo / "alerts/groups") + b"/" + name
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(b"a: 1\n")

    assert faults(repo) == [("RC107", f"alerts/groups/{shown}")]
    assert scan(repo, FOLDERS)[0] == ()


def test_names_that_differ_by_case_only(repo: Path) -> None:
    for path in ("groups/CPU.yaml", "groups/cpu.yaml", "templates/é.yaml", "templates/E\u0301.yaml"):
        put(repo, f"alerts/{path}")
    put(repo, "alerts/templates/Node/a.yaml")
    put(repo, "alerts/templates/node/b.yaml")

    files, found = scan(repo, FOLDERS)

    assert len(files) == 6
    assert {(fault.code, fault.severity) for fault in found} == {("RC108", Severity.WARNING)}
    assert [(fault.place, fault.related[0].place) for fault in found] == [
        (Span("alerts/groups/cpu.yaml", 1, 1, 1, 1), Span("alerts/groups/CPU.yaml", 1, 1, 1, 1)),
        (Span("alerts/templates/node", 1, 1, 1, 1), Span("alerts/templates/Node", 1, 1, 1, 1)),
        (Span("alerts/templates/é.yaml", 1, 1, 1, 1), Span("alerts/templates/E\u0301.yaml", 1, 1, 1, 1)),
    ]


def raw(data: bytes) -> RawFile:
    return RawFile("g.yaml", data, "")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a", "a"),
        ("é: 𝄞\n".encode(), "é: 𝄞\n"),
        (b"\xef\xbb\xbfa: 1\r\nb: 2\n", "a: 1\nb: 2\n"),
        (b"a\0b", "a\0b"),  # for the reader of YAML to refuse, at its place
        (b"a: 1\rb", "a: 1\rb"),
    ],
)
def test_text_is_utf_8(data: bytes, text: str) -> None:
    assert decode(raw(data)) == Source("g.yaml", text)


@pytest.mark.parametrize(
    ("data", "message", "line", "column"),
    [
        ("a: 1".encode("utf-16"), "the file is UTF-16, not UTF-8", 1, 1),
        ("a: 1".encode("utf-16-le"), "the file is UTF-16, not UTF-8", 1, 1),
        ("a: 1".encode("utf-16-be"), "the file is UTF-16, not UTF-8", 1, 1),
        (b"\xfe\xff" + "é: 1".encode("utf-16-be"), "the file is UTF-16, not UTF-8", 1, 1),
        ("a: 1".encode("utf-32"), "the file is UTF-32, not UTF-8", 1, 1),
        ("a: 1".encode("utf-32-le"), "the file is UTF-32, not UTF-8", 1, 1),
        ("a: 1".encode("utf-32-be"), "the file is UTF-32, not UTF-8", 1, 1),
        (
            b"a: 1\nb\xc3\xa9: \xe9\n",
            "the file is not UTF-8: byte 0xE9 at offset 10 belongs to no character",
            2,
            5,
        ),
        (b"\xef\xbb\xbfab\xff", "the file is not UTF-8: byte 0xFF at offset 5 belongs to no character", 1, 3),
        (b"\xed\xa0\x80", "the file is not UTF-8: byte 0xED at offset 0 belongs to no character", 1, 1),
        (b"ab\xf0\x9d\x84", "the file is not UTF-8: byte 0xF0 at offset 2 belongs to no character", 1, 3),
    ],
)
def test_text_that_is_not_utf_8(data: bytes, message: str, line: int, column: int) -> None:
    result = decode(raw(data))

    assert isinstance(result, Diagnostic)
    assert (result.code, result.message, result.help) == ("RC106", message, "save it as UTF-8")
    assert isinstance(result.place, Span)
    assert result.place[:3] == ("g.yaml", line, column)
