"""The command against a real server whose history was made, so that the answers are known."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rulecompiler.cli import main
from rulecompiler.cli.backtesting import server_url
from tests.backtest.worlds import DAY, START, historian, steady, with_spans
from tests.deploy.hostile import answer, by_path
from tests.deploy.hostile import host as hostile
from tests.servers import Server

MINUTES = 2 * 1440
UNTIL = str((START + 2 * DAY) // 1000)
CPU = """\
alert: HighCPU
category: cpu
params: {threshold: {type: number, default: 80}}
expr: cpu_busy > ${threshold}
for: 5m
labels: {severity: warning}
"""
FILES = {
    "rulecompiler.yaml": "alert_names: plain\n",
    "alerts/templates/node/HighCPU.yaml": CPU,
    "alerts/templates/node/Down.yaml": "alert: Down\ncategory: cpu\nexpr: up == 0\nfor: 2m\n",
    "alerts/templates/node/Recorded.yaml": "alert: Recorded\ncategory: cpu\nexpr: job:up:avg < 1\n",
    "alerts/groups/web.yaml": "group: web\ninterval: 1m\nrules:\n  HighCPU: {}\n  Down: {}\n",
}


@pytest.fixture(scope="module")
def history(prometheus: Path, promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two days: a's CPU is at 90 for 20 minutes twice, at 70 for an hour once; b is down for ten minutes."""
    busy = with_spans(MINUTES, [(600, 620), (900, 920)], 90, 10)
    busy[1200:1260] = [70.0] * 60
    samples = {
        'cpu_busy{group_id="web",instance="a"}': busy,
        'cpu_busy{group_id="db",instance="c"}': steady(99, MINUTES),  # not in the scope
        'up{group_id="web",instance="a"}': steady(1, MINUTES),
        'up{group_id="web",instance="b"}': with_spans(MINUTES, [(500, 510)], 0, 1),
    }
    with historian(prometheus, promtool, tmp_path_factory.mktemp("history"), samples) as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PROMETHEUS_URL", "PROMETHEUS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "one"],
        ["checkout", "-qb", "topic"],
    ):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(repo: Path, path: str, text: str) -> None:
    (repo / path).write_text(text)


def lower_threshold(repo: Path) -> None:
    put(repo, "alerts/templates/node/HighCPU.yaml", CPU.replace("default: 80", "default: 60"))


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str]:
    code = main(["backtest", "--until", UNTIL, "--since", "2d", *args])
    return code, capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    code, out = run(capsys, "--format", "json", *args)
    assert code == 0, out
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_lower_threshold_fires_once_more(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", history.url)
    assert code == 0
    assert out.splitlines()[0] == "1 alert would have fired 3 times instead of 2 in the last 2d."
    # From the sixth of 20 minutes, so 15; then the hour, of which 55 minutes fire.
    assert "2 firings of 1 series, longest 15m, 30m in all" in out
    assert "3 firings of 1 series, longest 55m, 1h25m in all" in out
    assert "threshold 80 → 60" in out
    assert "first 2023-11-15 10:05, last until 2023-11-15 21:00" in out


def test_each_firing_is_in_the_json(repo: Path, history: Server, capsys: pytest.CaptureFixture[str]) -> None:
    lower_threshold(repo)
    found = data(capsys, "--prometheus", history.url)
    (result,) = found["results"]
    times = [(t["start"], t["end"], t["labels"]["instance"]) for t in result["new"]["times"]]
    assert times == [
        ("2023-11-15T10:05:00Z", "2023-11-15T10:20:00Z", "a"),
        ("2023-11-15T15:05:00Z", "2023-11-15T15:20:00Z", "a"),
        ("2023-11-15T20:05:00Z", "2023-11-15T21:00:00Z", "a"),
    ]


def test_a_longer_for_silences(repo: Path, history: Server, capsys: pytest.CaptureFixture[str]) -> None:
    put(
        repo,
        "alerts/groups/web.yaml",
        FILES["alerts/groups/web.yaml"].replace("Down: {}", "Down: {for: 30m}"),
    )
    code, out = run(capsys, "--prometheus", history.url, "--fail-on", "gone")
    assert code == 1
    assert "~ web/Down: would no longer fire" in out
    assert "1 firing of 1 series, longest 8m" in out
    assert "--fail-on: gone (1)" in out
    assert run(capsys, "--prometheus", history.url, "--fail-on", "more,unknown")[0] == 0


def test_what_fires_nearly_always_comes_first(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    put(repo, "alerts/templates/node/Down.yaml", "alert: Down\ncategory: cpu\nexpr: up >= 0\n")
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", history.url, "--fail-on", "more")
    assert code == 1
    assert out.index("web/Down: fires nearly all the time") < out.index("web/HighCPU")
    assert "2 firings of 2 series, longest 2d, 4d in all" in out


def test_other_texts_ask_for_nothing(repo: Path, history: Server, capsys: pytest.CaptureFixture[str]) -> None:
    put(repo, "alerts/templates/node/HighCPU.yaml", CPU.replace("warning", "critical"))
    found = data(capsys, "--prometheus", history.url)
    assert (found["same"], found["queries"], found["results"]) == (1, 0, [])
    _, out = run(capsys, "--prometheus", history.url)
    assert out.startswith("1 alert would fire as before: no query or timing of theirs changes.")


def test_a_record_that_was_never_there_is_unknown(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    put(repo, "alerts/groups/web.yaml", f"{FILES['alerts/groups/web.yaml']}  Recorded: {{}}\n")
    code, out = run(capsys, "--prometheus", history.url, "--fail-on", "unknown")
    assert code == 1
    assert "warning[RC763]" in out
    assert "alerts/groups/web.yaml:6:3" in out
    assert "+ web/Recorded: cannot say" in out
    assert "0 firings" not in out
    assert "never fires" not in out


def test_short_history_is_said_and_only_that_counts(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    code = main(["backtest", "--until", UNTIL, "--since", "7d", "--prometheus", history.url])
    out = capsys.readouterr().out
    assert code == 0
    assert "warning[RC760]" in out
    assert "1 alert would have fired 3 times instead of 2 in the 2d of 7d that the server remembers." in out


def test_a_coarser_step_is_not_exact_and_says_so(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    found = data(capsys, "--prometheus", history.url, "--step", "10m")
    (result,) = found["results"]
    assert result["new"]["step_seconds"] == 600
    assert "evaluated every 10m, not every 1m as its group; `for` 5m is shorter" in result["notes"][0]


def test_what_the_budget_leaves_out_is_said(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    put(repo, "alerts/templates/node/Down.yaml", "alert: Down\ncategory: cpu\nexpr: up != 1\nfor: 2m\n")
    code, out = run(capsys, "--prometheus", history.url, "--max-queries", "3")
    assert code == 0
    assert "warning[RC764]" in out
    assert "1 of 2 alerts left out, as the 3 queries that --max-queries allows are used up" in out
    assert "; of 1 alert nobody can say." in out


def test_the_environment_names_the_server(
    repo: Path, history: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    monkeypatch.setenv("PROMETHEUS_URL", history.url)
    assert data(capsys)["server"] == history.url


def test_the_settings_name_the_server(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    put(repo, "rulecompiler.yaml", f"alert_names: plain\ndeploy: {{url: '{history.url}'}}\n")
    assert data(capsys)["server"] == history.url


@pytest.mark.parametrize(
    "settings",
    [
        "alert_names: plain\n",
        "deploy: {keep: 3}\n",
        "metrics: {push_url: 'http://localhost:9091'}\n",
        "deploy: {targets: {a: {url: 'http://a:9090', path: /a}, b: {url: 'http://b:9090', path: /b}}}\n",
    ],
)
def test_no_server_is_guessed(repo: Path, settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    put(repo, "rulecompiler.yaml", settings)
    code, out = run(capsys)
    assert code == 1
    assert "error[RC766]" in out


def test_the_default_address_counts_where_somebody_wrote_it(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = "http://localhost:9090"
    put(repo, "rulecompiler.yaml", f"deploy: {{url: '{default}'}}\n")
    assert server_url(None) == default
    put(repo, "rulecompiler.yaml", "deploy: {keep: 3}\n")
    monkeypatch.setenv("PROMETHEUS_URL", default)
    assert server_url(None) == default
    assert server_url("http://other:9090") == "http://other:9090"


@pytest.mark.parametrize("fmt", ["text", "json", "markdown", "html"])
def test_nobody_there_is_an_error(repo: Path, fmt: str, capsys: pytest.CaptureFixture[str]) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", "http://127.0.0.1:9", "--format", fmt)
    assert code == 1
    assert "RC812" in out


@pytest.mark.parametrize(
    ("status", "body"), [(422, '{"status":"error","error":"no"}'), (200, "{"), (503, "")]
)
def test_a_server_without_one_answer_is_an_error(
    repo: Path, status: int, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    with hostile(lambda c: c.send(answer(status, body))) as host:
        code, out = run(capsys, "--prometheus", host.url)
    assert code == 1
    assert "warning[RC761]" in out
    assert "Nobody can say what would have fired" in out


def test_a_server_that_keeps_its_interval_to_itself(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    web = FILES["alerts/groups/web.yaml"]
    put(
        repo,
        "alerts/groups/web.yaml",
        web.replace("interval: 1m\n", "").replace("Down: {}", "Down: {for: 3m}"),
    )
    matrix = '{"status":"success","data":{"resultType":"matrix","result":[]}}'
    names = '{"status":"success","data":["up","cpu_busy"]}'
    api = "/api/v1/"
    script = by_path(
        {f"{api}query_range": answer(200, matrix), f"{api}label/__name__/values": answer(200, names)}
    )
    with hostile(script) as host:
        code, out = run(capsys, "--prometheus", host.url)
        assert code == 0
        assert "does not tell how often it evaluates rules by default: 1m is taken" in out
        assert "never fires" in out
        _, out = run(capsys, "--prometheus", host.url, "--step", "1m")
        assert "1m is taken" not in out


def test_the_servers_own_interval_is_taken(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    web = FILES["alerts/groups/web.yaml"]
    put(repo, "alerts/groups/web.yaml", web.replace("interval: 1m\n", ""))
    found = data(capsys, "--prometheus", history.url, "--since", "1h")
    # tests.servers has it evaluate every second.
    assert {result["new"]["step_seconds"] for result in found["results"]} == {1}
    assert {result["old"]["step_seconds"] for result in found["results"]} == {60}
    assert found["notes"] == []


def test_credentials_are_for_the_configured_server_alone(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    monkeypatch.setenv("PROMETHEUS_TOKEN", "very-secret")
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:9")
    with hostile(lambda c: c.send(answer(422, '{"status":"error","error":"no"}'))) as host:
        run(capsys, "--prometheus", host.url)
        assert not any("authorization" in headers for headers in host.headers)
        monkeypatch.setenv("PROMETHEUS_URL", host.url)
        run(capsys)
        assert host.headers[-1]["authorization"] == "Bearer very-secret"


def test_pictures_are_written_beside_the_markdown(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", history.url, "--format", "markdown", "--images", "img")
    assert code == 0
    assert "](img/001-web-HighCPU.svg)" in out
    assert (repo / "img/001-web-HighCPU.svg").read_text().startswith("<svg")


def test_a_report_goes_to_a_file_and_the_summary_to_the_terminal(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", history.url, "--format", "html", "--output", "x.html")
    assert (code, out) == (0, "1 alert would have fired 3 times instead of 2 in the last 2d.\n")
    assert (repo / "x.html").read_text().startswith("<!DOCTYPE html>")
    code, out = run(capsys, "--prometheus", history.url, "--output", "no/such/folder/x")
    assert code == 1
    assert "RC735" in out


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1"])
def test_standard_output_gets_the_report_alone(
    repo: Path, history: Server, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    assert data(capsys, "--prometheus", history.url, "--output", name)["results"]


@pytest.mark.parametrize("fmt", ["text", "json", "markdown", "html"])
def test_a_refusal_is_in_the_file_too(repo: Path, fmt: str, capsys: pytest.CaptureFixture[str]) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", "http://127.0.0.1:9", "--format", fmt, "--output", "report")
    assert code == 1
    assert out.startswith("error[RC812]")
    text = (repo / "report").read_text()
    assert "RC812" in text
    assert (text.startswith("<!DOCTYPE html>"), text.startswith("### Backtest")) == (
        fmt == "html",
        fmt == "markdown",
    )


def test_pictures_that_cannot_be_written_are_no_crash(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    put(repo, "file", "")
    code, out = run(capsys, "--prometheus", history.url, "--format", "markdown", "--images", "file/img")
    assert code == 1
    assert out.startswith("error[RC735]")


@pytest.mark.parametrize("args", [["--since", "1ms", "--until", f"{UNTIL[:-1]}1"], ["--step", "365d"]])
def test_a_time_without_any_evaluation_is_not_never_fires(
    repo: Path, history: Server, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    _, out = run(capsys, "--prometheus", history.url, *args)
    assert "warning[RC767]" in out
    assert "never fires" not in out


def test_one_alert_does_not_use_up_the_queries_in_vain(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    lower_threshold(repo)
    _, out = run(capsys, "--prometheus", history.url, "--step", "1ms")
    assert "warning[RC764]" in out
    assert "more than 200 queries are too many for one alert" in out
    assert int(out.split("UTC, ")[1].split()[0]) < 10


def test_settings_at_fault_are_shown_where_they_are(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(repo, "rulecompiler.yaml", "deploy: {url: 7}\n")
    code, out = run(capsys)
    assert code == 1
    assert "rulecompiler.yaml:1:15" in out


def test_html(repo: Path, history: Server, capsys: pytest.CaptureFixture[str]) -> None:
    lower_threshold(repo)
    code, out = run(capsys, "--prometheus", history.url, "--format", "html")
    assert code == 0
    assert out.startswith("<!DOCTYPE html>")


def test_a_head_that_does_not_compile_is_an_error(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    put(repo, "alerts/groups/web.yaml", "group: web\nrules: {Nothing: {}}\n")
    code, out = run(capsys, "--prometheus", history.url)
    assert code == 1
    first = "No alert that could be compared changes; 1 group could not be compared."
    assert out.splitlines()[0] == first


@pytest.mark.parametrize(
    "args",
    [
        ["--since", "week"],
        ["--since", "0s"],
        ["--since", "9y"],
        ["--step", "-1m"],
        ["--until", "yesterday"],
        ["--until", "9" * 40],
        ["--fail-on", "everything"],
        ["--max-queries", "0"],
        ["--images", "img"],
    ],
)
def test_wrong_usage(repo: Path, args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backtest", "--prometheus", "http://127.0.0.1:9", *args]) == 2


def test_an_unknown_ref_is_refused(repo: Path, history: Server, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "--prometheus", history.url, "--base", "nowhere")
    assert code == 1
    assert "RC720" in out


def test_until_is_read_in_several_ways(
    repo: Path, history: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    for when in ("2023-11-17T00:00:00Z", "2023-11-17T01:00:00+01:00", "2023-11-17", UNTIL):
        assert main(["backtest", "--prometheus", history.url, "--until", when, "--format", "json"]) == 0
        assert json.loads(capsys.readouterr().out)["until"] == "2023-11-17T00:00:00Z"
