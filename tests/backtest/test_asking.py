"""Servers that answer well, badly, slowly or not at all; and the bounds of a backtest."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rulecompiler.backtest.cases import Case
from rulecompiler.backtest.grid import Window, grid
from rulecompiler.backtest.judging import Played
from rulecompiler.backtest.model import Unknown
from rulecompiler.deploy.asking_history import Asker, Bounds, history_begins
from rulecompiler.deploy.range_queries import RangeServer
from rulecompiler.deploy.settings import Credentials
from rulecompiler.diff.model import Action, RuleChange
from tests.backtest.worlds import DAY, HOUR, MINUTE, START, alert, historian, rule, steady, with_spans
from tests.deploy.hostile import Conversation, answer
from tests.deploy.hostile import host as hostile
from tests.servers import Server

HOURS = Window(START, START + 6 * HOUR)
MATRIX = {"status": "success", "data": {"resultType": "matrix", "result": []}}


@pytest.fixture(scope="module")
def historic(prometheus: Path, promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Six hours of `up` of two instances, one of them down for ten minutes, and of two younger metrics."""
    samples = {
        'up{instance="a"}': steady(1, 360),
        'up{instance="b"}': with_spans(360, [(100, 110)], 0, 1),
        "late:record": [None] * 300 + steady(1, 60),
        "brief": [None] * 207 + steady(1, 1) + [None] * 152,
    }
    with historian(prometheus, promtool, tmp_path_factory.mktemp("historic"), samples) as server:
        yield server


def asker(url: str, queries: int = 50, seconds: float = 30, series: int = 100, timeout: float = 10) -> Asker:
    return Asker(
        RangeServer(url, Credentials(), timeout), Bounds(queries, time.monotonic() + seconds, series)
    )


def says(status: int, content: object) -> bytes:
    return answer(status, content if isinstance(content, str) else json.dumps(content))


def ask(url: str, expr: str = "up == 0", **bounds: float) -> Played | Unknown | None:
    known = asker(url, **bounds)  # type: ignore[arg-type]
    with known.server:
        return known.play(alert(expr), HOURS, MINUTE)


def test_a_query_has_its_runs(historic: Server) -> None:
    found = ask(historic.url)
    assert isinstance(found, Played)
    first = START // MINUTE
    labels = (("__name__", "up"), ("instance", "b"))
    assert found.presence == {labels: [(first + 100, first + 109)]}


def test_a_long_query_is_posted(historic: Server) -> None:
    found = ask(historic.url, f'up{{instance=~"a|{"x" * 10_000}"}}')
    assert isinstance(found, Played)
    assert len(found.presence) == 1
    # Servers and proxies take a URL of some thousand characters, and a body of any length.
    with hostile(lambda c: c.send(says(200, MATRIX))) as host:
        ask(host.url, "a == 1")
        ask(host.url, f"a == {'1' * 10_000}")
    assert [request.split("?")[0] for request in host.requests] == [
        "GET /api/v1/query_range",
        "POST /api/v1/query_range",
    ]


def test_long_times_come_in_pieces(historic: Server) -> None:
    known = asker(historic.url)
    with known.server:
        found = known.play(alert("up == 0", interval=1000), HOURS, 1000)
    assert isinstance(found, Played)
    assert known.server.asked == 2  # 21,600 points
    (runs,) = found.presence.values()
    assert runs == [(START // 1000 + 6000, START // 1000 + 6599)]


def test_equal_queries_are_asked_once_and_with_the_longest_warm_up(historic: Server) -> None:
    short, long = alert(), alert(hold=HOUR)
    known = asker(historic.url)
    change = RuleChange(Action.CHANGE, rule(), rule())
    steps = known.plan([Case(short, long, (change,))], HOURS, None)
    with known.server:
        first, second = known.play(short, HOURS, steps[short]), known.play(long, HOURS, steps[long])
    assert first is second
    assert known.server.asked == 1
    assert isinstance(first, Played)
    assert first.ticks == grid(HOURS, MINUTE, HOUR)


@pytest.mark.parametrize(
    ("status", "content", "code", "word"),
    [
        (
            422,
            {"status": "error", "errorType": "execution", "error": "many-to-many"},
            "RC761",
            "many-to-many",
        ),
        (400, {"status": "error", "errorType": "bad_data", "error": "parse error"}, "RC761", "parse error"),
        (503, {"status": "error", "errorType": "timeout", "error": "query timed out"}, "RC761", "too long"),
        (503, "try later", "RC761", "503"),
        (502, "<html>bad gateway</html>", "RC761", "502"),
        (200, MATRIX | {"warnings": ["store b is gone"]}, "RC762", "store b is gone"),
        (200, MATRIX | {"warnings": 5}, "RC762", "5"),
        (200, MATRIX | {"warnings": {"store": "b"}}, "RC762", "store"),
        (200, '{"status":"success","data":{"resultType":"mat', "RC761", "not whole"),
        (200, "[]", "RC761", "not whole"),
        (200, {"status": "success", "data": {"resultType": "vector", "result": []}}, "RC761", "not what"),
        (200, {"status": "success", "data": 7}, "RC761", "not what"),
    ],
)
def test_a_bad_answer_makes_one_query_unknown(status: int, content: object, code: str, word: str) -> None:
    with hostile(lambda c: c.send(says(status, content))) as host:
        found = ask(host.url)
    assert isinstance(found, Unknown)
    assert found.code == code
    assert word in found.reason


def test_what_a_server_says_does_not_garble_the_terminal() -> None:
    content = {"status": "error", "errorType": "x", "error": "\x1b[2Jgone\n::error::x"}
    with hostile(lambda c: c.send(says(400, content))) as host:
        found = ask(host.url)
    assert isinstance(found, Unknown)
    assert "\x1b" not in found.reason
    assert "\n" not in found.reason


def test_words_about_the_query_are_no_missing_data() -> None:
    content = MATRIX | {"warnings": ["PromQL warning: bucket label"], "infos": ["PromQL info: no counter"]}
    with hostile(lambda c: c.send(says(200, content))) as host:
        assert isinstance(ask(host.url), Played)


@pytest.mark.parametrize(("status", "code"), [(401, "RC817"), (403, "RC817"), (302, "RC818")])
def test_a_server_that_does_not_let_us_in_is_asked_no_more(status: int, code: str) -> None:
    with hostile(lambda c: c.send(answer(status, "no", {"Location": "http://login"}))) as host:
        known = asker(host.url)
        with known.server:
            assert isinstance(known.play(alert(), HOURS, MINUTE), Unknown)
            assert known.play(alert("up == 1"), HOURS, MINUTE) is None
    assert known.gone is not None
    assert known.gone.code == code
    assert known.server.asked == 1


def test_nobody_there() -> None:
    known = asker("http://127.0.0.1:9")
    with known.server:
        known.play(alert(), HOURS, MINUTE)
    assert known.gone is not None
    assert known.gone.code == "RC812"


def test_half_an_answer() -> None:
    def half(conversation: Conversation) -> None:
        conversation.send(says(200, MATRIX)[:-20])

    with hostile(half) as host:
        found = ask(host.url)
    assert isinstance(found, Unknown)


def test_a_server_that_hangs_is_left() -> None:
    with hostile(lambda c: c.hang()) as host:
        found = ask(host.url, seconds=0.1)
    assert isinstance(found, Unknown)
    assert "too long" in found.reason


def test_too_much_at_once_is_asked_for_in_parts() -> None:
    """As a server does that loads as many samples at once as the twentieth part of the time has."""
    too_many = {"status": "error", "errorType": "execution", "error": "query would load too many samples"}

    def sparing(conversation: Conversation) -> None:
        words = dict(pair.split("=") for pair in conversation.path.partition("?")[2].split("&"))
        start, end = int(words["start"]), int(words["end"])
        if end - start > 20 * 60:
            conversation.send(says(422, too_many))
            return
        values = [[t, "1"] for t in range(start, end + 1, 60)]
        data = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
        conversation.send(says(200, {"status": "success", "data": data}))

    window = Window(START, START + 70 * MINUTE)
    with hostile(sparing) as host:
        known = asker(host.url)
        with known.server:
            found = known.play(alert(), window, MINUTE)
    assert isinstance(found, Played)
    assert found.presence == {(): [(START // MINUTE, START // MINUTE + 69)]}
    assert known.server.asked == 5


def test_too_much_in_any_part_gets_a_coarser_step() -> None:
    too_many = {"status": "error", "errorType": "execution", "error": "query would load too many samples"}

    def lazy(conversation: Conversation) -> None:
        words = dict(pair.split("=") for pair in conversation.path.partition("?")[2].split("&"))
        start, end, step = int(words["start"]), int(words["end"]), int(words["step"])
        values = [[t, "1"] for t in range(start, end + 1, step)]
        data = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
        conversation.send(
            says(422, too_many) if step < 960 else says(200, {"status": "success", "data": data})
        )

    with hostile(lazy) as host:
        known = asker(host.url)
        with known.server:
            found = known.play(alert(), HOURS, MINUTE)
    assert isinstance(found, Played)
    assert found.ticks == grid(HOURS, 16 * MINUTE)
    assert found.presence == {(): [(found.ticks.first, found.ticks.stop - 1)]}


def test_one_query_does_not_use_up_the_queries_of_all() -> None:
    too_many = {"status": "error", "errorType": "execution", "error": "query would load too many samples"}

    def sparing(conversation: Conversation) -> None:
        words = dict(pair.split("=") for pair in conversation.path.partition("?")[2].split("&"))
        ticks = (int(words["end"]) - int(words["start"])) // int(words["step"])
        conversation.send(says(422, too_many) if ticks > 63 else says(200, MATRIX))

    window = Window(START, START + 10_000 * MINUTE)
    with hostile(sparing) as host:
        known = asker(host.url, queries=200)
        with known.server:
            found = known.play(alert(), window, MINUTE)
    assert isinstance(found, Played)
    assert found.ticks.step == 16 * MINUTE
    assert known.server.asked <= 70


def test_too_much_in_the_smallest_part_is_unknown() -> None:
    content = {"status": "error", "errorType": "execution", "error": "query would load too many samples"}
    with hostile(lambda c: c.send(says(422, content))) as host:
        found = ask(host.url)
    assert isinstance(found, Unknown)
    assert "too many samples" in found.reason


def test_the_bounds_hold(historic: Server) -> None:
    known = asker(historic.url, queries=1)
    with known.server:
        assert isinstance(known.play(alert(), HOURS, MINUTE), Played)
        assert known.play(alert("up == 1"), HOURS, MINUTE) is None
        assert known.play(alert(), HOURS, MINUTE) is not None  # known already
    assert "--max-queries" in known.exhausted

    known = asker(historic.url, seconds=-1)
    with known.server:
        assert known.play(alert(), HOURS, MINUTE) is None
    assert "--max-time" in known.exhausted
    assert known.server.asked == 0


def test_too_many_series(historic: Server) -> None:
    found = ask(historic.url, "up", series=1)
    assert isinstance(found, Unknown)
    assert found.code == "RC765"


def test_too_many_comings_and_goings(historic: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rulecompiler.deploy.asking_history._MOST_RUNS", 1)
    found = ask(historic.url, "up")
    assert isinstance(found, Unknown)
    assert found.code == "RC765"
    assert isinstance(ask(historic.url), Played)


def test_since_when_metrics_are_there(historic: Server) -> None:
    week = Window(START - 2 * DAY, START + 6 * HOUR)
    known = asker(historic.url)
    with known.server:
        found = known.remember(["up", "late:record", "brief", "never"], week)
        begins = history_begins(known, found, week)
    assert found.first["never"] is None
    assert found.first["up"] is not None
    assert START <= found.first["up"] < START + found.blur
    assert found.first["late:record"] is not None
    assert START + 5 * HOUR <= found.first["late:record"] < START + 5 * HOUR + found.blur
    # There was a sample, but at none of the moments that were looked at.
    assert "brief" not in found.first
    assert begins == START


def test_a_server_that_has_all_of_it_is_not_short(historic: Server) -> None:
    window = Window(START + HOUR, START + 6 * HOUR)
    known = asker(historic.url)
    with known.server:
        assert history_begins(known, known.remember(["up"], window), window) is None


def test_the_servers_own_interval(historic: Server) -> None:
    with RangeServer(historic.url, Credentials(), 10) as server:
        assert server.evaluation_interval() == 1000  # as tests.servers has it


@pytest.mark.parametrize("content", ["{}", '{"status":"success","data":{"yaml":"rule_files: []"}}'])
def test_a_server_that_does_not_tell_its_interval(content: str) -> None:
    with (
        hostile(lambda c: c.send(says(200, content))) as host,
        RangeServer(host.url, Credentials(), 5) as server,
    ):
        assert server.evaluation_interval() is None


def test_nothing_of_a_password_is_shown() -> None:
    def repeats(conversation: Conversation) -> None:
        said = f"you sent {conversation.headers.get('authorization', '')}"
        conversation.send(says(400, {"status": "error", "errorType": "x", "error": said}))

    with hostile(repeats) as host:
        known = Asker(
            RangeServer(host.url, Credentials(token="very-secret"), 5), Bounds(5, time.monotonic() + 9, 9)
        )
        with known.server:
            found = known.play(alert(), HOURS, MINUTE)
    assert isinstance(found, Unknown)
    assert "very-secret" not in found.reason
    assert "***" in found.reason
