from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.self_metrics import record_compile, record_deploy, record_drift
from rulecompiler.self_metrics.exposition import Metric, Samples, parse
from rulecompiler.settings import Settings

SRC = Path(__file__).resolve().parent.parent / "src"
NOWHERE = Settings()
RELEASE = "ab" * 32


def into(folder: Path) -> Settings:
    return Settings(metrics_directory=str(folder))


def compiled(
    folder: Path, errors: int = 0, rules: Mapping[str, int] | None = None, now: float = 1700000000.0
) -> str:
    assert record_compile(into(folder), {}, errors=errors, rules=rules or {}, now=now) == ()
    return (folder / "rulecompiler_compile.prom").read_text()


def deployed(folder: Path, target: str = "prod", now: float = 100.0, **how: Any) -> str:
    said = {"success": True, "release": RELEASE, "rolled_back": False, **how}
    assert record_deploy(into(folder), {}, target, now=now, **said) == ()
    return (folder / "rulecompiler_deploy.prom").read_text()


def series(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_a_good_compile_in_full(tmp_path: Path) -> None:
    assert compiled(tmp_path, rules={"grp-2": 3, "grp-1": 12}, now=1700000000.25) == (
        "# HELP rulecompiler_compile_errors_total Errors that compiles found.\n"
        "# TYPE rulecompiler_compile_errors_total counter\n"
        "rulecompiler_compile_errors_total 0\n"
        "# HELP rulecompiler_compile_success Whether the last compile had no errors.\n"
        "# TYPE rulecompiler_compile_success gauge\n"
        "rulecompiler_compile_success 1\n"
        "# HELP rulecompiler_compile_timestamp_seconds When the last compile ended.\n"
        "# TYPE rulecompiler_compile_timestamp_seconds gauge\n"
        "rulecompiler_compile_timestamp_seconds 1700000000.25\n"
        "# HELP rulecompiler_rules Rules of each group in the last compile without errors.\n"
        "# TYPE rulecompiler_rules gauge\n"
        'rulecompiler_rules{group="grp-1"} 12\n'
        'rulecompiler_rules{group="grp-2"} 3\n'
    )


def test_errors_add_up_and_the_rules_are_those_of_the_last_good_compile(tmp_path: Path) -> None:
    compiled(tmp_path, rules={"a": 1, "b": 2})
    assert series(compiled(tmp_path, errors=3, now=5)) == [
        "rulecompiler_compile_errors_total 3",
        "rulecompiler_compile_success 0",
        "rulecompiler_compile_timestamp_seconds 5",
        'rulecompiler_rules{group="a"} 1',
        'rulecompiler_rules{group="b"} 2',
    ]
    assert series(compiled(tmp_path, errors=2, now=6))[0] == "rulecompiler_compile_errors_total 5"
    assert series(compiled(tmp_path, rules={"a": 4}, now=7)) == [
        "rulecompiler_compile_errors_total 5",
        "rulecompiler_compile_success 1",
        "rulecompiler_compile_timestamp_seconds 7",
        'rulecompiler_rules{group="a"} 4',
    ]


def test_a_deploy_that_succeeds_one_that_fails_and_one_that_is_taken_back(tmp_path: Path) -> None:
    good = [
        'rulecompiler_deploy_success{target="prod"} 1',
        'rulecompiler_deploy_timestamp_seconds{target="prod"} 100',
        'rulecompiler_deploy_last_attempt_timestamp_seconds{target="prod"} 100',
        f'rulecompiler_deploy_release_info{{target="prod",release="{RELEASE}"}} 1',
        'rulecompiler_rollback_total{target="prod"} 0',
        'rulecompiler_drift{target="prod"} 0',
    ]
    assert series(deployed(tmp_path)) == good

    failed = series(deployed(tmp_path, success=False, release="c" * 64, now=200))
    assert failed == [
        'rulecompiler_deploy_success{target="prod"} 0',
        good[1],
        'rulecompiler_deploy_last_attempt_timestamp_seconds{target="prod"} 200',
        *good[3:],
    ]

    for count in (1, 2):
        back = series(deployed(tmp_path, success=False, rolled_back=True, release="c" * 64, now=200))
        assert back == [*failed[:4], f'rulecompiler_rollback_total{{target="prod"}} {count}', failed[5]]

    again = series(deployed(tmp_path, release="d" * 64, now=300))
    assert [line for line in again if "info" in line] == [
        f'rulecompiler_deploy_release_info{{target="prod",release="{"d" * 64}"}} 1'
    ]


def test_a_first_deploy_that_fails_has_no_time_of_success(tmp_path: Path) -> None:
    text = deployed(tmp_path, success=False)

    assert "rulecompiler_deploy_timestamp_seconds" not in text
    assert "rulecompiler_deploy_release_info" not in text


def test_drift_comes_and_a_verified_deploy_ends_it(tmp_path: Path) -> None:
    def drift() -> list[str]:
        text = (tmp_path / "rulecompiler_deploy.prom").read_text()
        return [line for line in series(text) if "drift" in line]

    deployed(tmp_path)
    assert record_drift(into(tmp_path), {}, "prod", drifted=True) == ()
    assert drift() == ['rulecompiler_drift{target="prod"} 1']
    deployed(tmp_path, success=False)
    assert drift() == ['rulecompiler_drift{target="prod"} 1']
    deployed(tmp_path)
    assert drift() == ['rulecompiler_drift{target="prod"} 0']
    assert record_drift(into(tmp_path), {}, "prod", drifted=False) == ()
    assert drift() == ['rulecompiler_drift{target="prod"} 0']


def test_other_targets_stay_unless_they_are_gone_from_the_settings(tmp_path: Path) -> None:
    a = series(deployed(tmp_path, "a"))
    both = series(deployed(tmp_path, "b", rolled_back=True))
    assert set(a) < set(both)
    assert series(deployed(tmp_path, "b", rolled_back=True, known=("a", "b"))) != []
    rest = series(deployed(tmp_path, "c", known=("c", "b")))
    assert not any('target="a"' in line for line in rest)
    assert 'rulecompiler_rollback_total{target="b"} 2' in rest


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"\xff\xfe\x00",
        b"rulecompiler_compile_errors_total 7",  # cut, so that it may have been 70
        b"rulecompiler_compile_errors_total 7\nrulecompiler_compile_success 1",
        b"rulecompiler_compile_errors_total seven\n",
        b"rulecompiler_compile_errors_total -7\n",
        b"rulecompiler_compile_errors_total 7\nnode_procs_running 1\n",
        b"rulecompiler_compile_errors_total 7\nrulecompiler_rules{group=a} 1\n",
        b'rulecompiler_compile_errors_total 7\nrulecompiler_rules{group="a} 1\n',
        b'rulecompiler_compile_errors_total 7\nrulecompiler_rules{group="a\\x"} 1\n',
        b"rulecompiler_compile_errors_total 7\n\n",
        b"rulecompiler_compile_errors_total 7\n" + b"#" * (16 * 1024 * 1024) + b"\n",
    ],
    ids=range(12),
)
def test_a_damaged_file_is_written_anew_from_zero(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "rulecompiler_compile.prom").write_bytes(damage)

    assert series(compiled(tmp_path, errors=1))[0] == "rulecompiler_compile_errors_total 1"


VALUES = st.one_of(
    st.integers(0, 10**15).map(float), st.floats(0, 1e300, allow_nan=False, allow_infinity=False)
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES.map(abs)))
def test_whatever_was_written_is_read_back(values: dict[str, float]) -> None:
    metric = Metric("a_metric", "gauge", "For a test.")
    samples = Samples({(metric.name, (("x", label), ("y", ""))): value for label, value in values.items()})

    assert parse(samples.text([metric]), [metric]) == samples


def test_what_prometheus_itself_says_of_the_files(tmp_path: Path, promtool: Path) -> None:
    compiled(tmp_path, errors=1)
    text = compiled(tmp_path, rules={"a": 1}) + deployed(tmp_path, rolled_back=True)

    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=30
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- files ------------------------------------------------------------------------------


def test_anybody_may_read_the_file_and_nothing_else_that_a_collector_takes_is_left(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        compiled(tmp_path)
        deployed(tmp_path)
    finally:
        os.umask(before)

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == [".rulecompiler.lock", "rulecompiler_compile.prom", "rulecompiler_deploy.prom"]
    for name in files[1:]:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o644


def test_the_file_is_replaced_as_a_whole_with_its_bytes_on_disk_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled(tmp_path)
    steps: list[str] = []
    real = {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(descriptor: int) -> None:
        steps.append("fsync")
        real["fsync"](descriptor)

    monkeypatch.setattr(os, "fsync", fsync)

    def replace(source: Path, target: Path) -> None:
        steps.append(f"{source.name} -> {target.name}")
        assert target.read_text().endswith("\n")
        real["replace"](source, target)

    monkeypatch.setattr(os, "replace", replace)
    compiled(tmp_path)

    assert steps == ["fsync", "rulecompiler_compile.prom.tmp -> rulecompiler_compile.prom"]


def warning(folder: Path | str, **environ: str) -> Diagnostic:
    settings = Settings(metrics_directory=str(folder))
    (found,) = record_compile(settings, environ, errors=0, rules={}, now=1)
    assert found.severity is Severity.WARNING
    assert found.help
    return found


@pytest.mark.parametrize("step", ["fsync", "replace", "open", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    old = compiled(tmp_path)

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    found = warning(tmp_path)
    monkeypatch.undo()

    assert found.code == "RC890"
    assert found.message == "the metrics of this run could not be written: No space left on device"
    assert (tmp_path / "rulecompiler_compile.prom").read_text() == old
    assert [path.name for path in tmp_path.glob("*.tmp")] == []


def test_places_that_take_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in ("missing", "file", "nul\0"):
        assert warning(tmp_path / folder).code == "RC890"
    assert not (tmp_path / "missing").exists()
    (tmp_path / "rulecompiler_compile.prom").mkdir()
    assert warning(tmp_path).code == "RC890"


def test_links_and_pipes_in_the_way_are_neither_followed_nor_waited_for(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.write_text("rulecompiler_compile_errors_total 9\n")
    folder = tmp_path / "textfiles"
    folder.mkdir()
    (folder / "rulecompiler_compile.prom.tmp").symlink_to(foreign)
    (folder / "rulecompiler_compile.prom").symlink_to(foreign)
    assert series(compiled(folder, errors=1))[0] == "rulecompiler_compile_errors_total 1"
    assert foreign.read_text() == "rulecompiler_compile_errors_total 9\n"

    (folder / "rulecompiler_compile.prom").unlink()
    os.mkfifo(folder / "rulecompiler_compile.prom")
    assert series(compiled(folder, errors=1))[0] == "rulecompiler_compile_errors_total 1"


def test_runs_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from rulecompiler.self_metrics import record_deploy\n"
        "from rulecompiler.settings import Settings\n"
        "for n in range(20):\n"
        "  assert record_deploy(Settings(metrics_directory=sys.argv[1]), {}, sys.argv[2], success=False,"
        " release='', rolled_back=True, now=1) == ()\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), target], env={"PYTHONPATH": str(SRC)})
        for target in ("a", "a", "b")
    ]
    assert [run.wait(60) for run in runs] == [0, 0, 0]

    text = (tmp_path / "rulecompiler_deploy.prom").read_text()
    assert 'rulecompiler_rollback_total{target="a"} 40' in text
    assert 'rulecompiler_rollback_total{target="b"} 20' in text


def test_somebody_who_never_lets_go_of_the_lock_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr("rulecompiler.self_metrics.textfile._PATIENCE_SECONDS", 0.05)
    with (tmp_path / ".rulecompiler.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another run" in warning(tmp_path).message
    compiled(tmp_path)


# --- where to -----------------------------------------------------------------------------


def test_nothing_is_written_where_nobody_asked_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert record_compile(NOWHERE, {"RULECOMPILER_PUSH_URL": ""}, errors=1, rules={}, now=1) == ()
    assert list(tmp_path.iterdir()) == []


def test_the_environment_wins(tmp_path: Path) -> None:
    environ = {"RULECOMPILER_TEXTFILE_DIRECTORY": str(tmp_path)}

    assert record_drift(Settings(metrics_directory="/nowhere"), environ, "x", drifted=True) == ()

    assert (tmp_path / "rulecompiler_deploy.prom").read_text().endswith('{target="x"} 1\n')


def test_a_relative_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = warning("", RULECOMPILER_TEXTFILE_DIRECTORY=".")
    assert found.code == "RC892"
    assert list(tmp_path.iterdir()) == []


# --- pushing --------------------------------------------------------------------------------

Request = tuple[str, str, str, str]


@contextmanager
def gateway(status: int = 200) -> Iterator[tuple[str, list[Request]]]:
    """A Pushgateway that remembers what it gets: method, path, authorization and body."""
    got: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert self.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            got.append((self.command, self.path, self.headers.get("Authorization", ""), body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


def test_a_compile_is_pushed_with_what_the_file_says(tmp_path: Path) -> None:
    compiled(tmp_path, errors=2)
    with gateway() as (url, got):
        settings = Settings(metrics_directory=str(tmp_path), metrics_push_url=f"{url}/prefix/")
        assert record_compile(settings, {}, errors=1, rules={}, now=1) == ()

    text = (tmp_path / "rulecompiler_compile.prom").read_text()
    assert got == [("POST", "/prefix/metrics/job/rulecompiler_compile", "", text)]
    assert "rulecompiler_compile_errors_total 3\n" in text


def test_of_a_deploy_only_the_target_s_own_series_are_pushed(tmp_path: Path) -> None:
    deployed(tmp_path, "other")
    with gateway(202) as (url, got):
        settings = Settings(metrics_directory=str(tmp_path), metrics_push_url=url)
        assert record_drift(settings, {}, "prod-a", drifted=True) == ()
        assert record_drift(NOWHERE, {"RULECOMPILER_PUSH_URL": url}, "prod-a", drifted=False) == ()

    assert [path for _, path, _, _ in got] == ["/metrics/job/rulecompiler_deploy/target/prod-a"] * 2
    assert [series(body) for *_, body in got] == [
        ['rulecompiler_drift{target="prod-a"} 1'],
        ['rulecompiler_drift{target="prod-a"} 0'],
    ]


def test_credentials_of_a_push_come_from_the_environment_and_are_not_told() -> None:
    with gateway(401) as (url, got):
        secret = url.replace("://", "://user:hunter2@")
        (found,) = record_drift(NOWHERE, {"RULECOMPILER_PUSH_URL": secret}, "x", drifted=True)

    assert got[0][2].startswith("Basic ")
    assert found.message == "the metrics of this run could not be pushed: the answer was 401"
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("http://127.0.0.1:1", "RC891", "no connection (ConnectError)"),
        ("http://user:hunter2@127.0.0.1:1", "RC891", "no connection (ConnectError)"),
        ("127.0.0.1:9091", "RC892", "does not start with http:// or https://"),
        ("http://hunter2@h/?x", "RC892", "has a query or a fragment"),
        ("http://hunter2:x:y", "RC892", "is none"),
    ],
)
def test_a_gateway_that_is_not_there_fails_nothing(tmp_path: Path, url: str, code: str, says: str) -> None:
    found = warning(tmp_path, RULECOMPILER_PUSH_URL=url)

    assert (found.code, found.severity) == (code, Severity.WARNING)
    assert says in found.message
    assert "hunter2" not in repr(found)
    assert (tmp_path / "rulecompiler_compile.prom").exists()


def test_one_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr("rulecompiler.self_metrics.push._TIMEOUT_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (found,) = record_drift(NOWHERE, {"RULECOMPILER_PUSH_URL": address}, "x", drifted=True)
    assert found.message.endswith("no answer within 0.05 seconds")


def test_httpx_is_imported_only_to_push(tmp_path: Path) -> None:
    code = (
        "import sys; from rulecompiler.self_metrics import record_drift\n"
        "from rulecompiler.settings import Settings\n"
        "record_drift(Settings(metrics_directory=sys.argv[1]), {}, 'x', drifted=True)\n"
        "assert 'httpx' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": str(SRC)}, check=True)
