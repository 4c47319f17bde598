"""The one comment on a pull request: on which it is, whose it is, and when it is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import sticky_comment
from comment_body import MARKER
from tests.pipeline.github_server import BOT, REPOSITORY, SHA, TOKEN, GitHub, pull, serving, zipped

PLAN = f"{MARKER}\n## Alert rules\n\n**Plan: 1 to add.**\n"
EMPTY = f"{MARKER}\n**No alert rule changes**, 85 rules unchanged: `a` → `b`\n"
STRANGER = {"login": "stranger", "type": "User"}
OTHER_BOT = {"login": "renovate[bot]", "type": "Bot"}


class Done(NamedTuple):
    code: int
    log: str
    waits: list[float]


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serving(GitHub()) as server:
        yield server
        assert server.wrong == []


class Runner:
    def __init__(self, folder: Path, github: GitHub, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.github, self.capsys = folder, github, capsys
        self.env = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_API_URL": github.url}

    def __call__(self, **facts: Any) -> Done:
        event = {
            "id": 7,
            "event": "pull_request",
            "head_sha": SHA,
            "head_branch": "patch",
            "head_repository": {"full_name": "stranger/alerts"},
            "repository": {"full_name": REPOSITORY},
            "pull_requests": [],  # as it is for forks
            **facts,
        }
        path = self.folder / "event.json"
        path.write_text(json.dumps({"workflow_run": event}))
        waits: list[float] = []
        code = sticky_comment.main({**self.env, "GITHUB_EVENT_PATH": str(path)}, waits.append)
        log = self.capsys.readouterr().out
        assert TOKEN not in log
        return Done(code, log, waits)


@pytest.fixture
def run(tmp_path: Path, github: GitHub, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, github, capsys)


# --- written, or not -----------------------------------------------------------------


def test_the_first_plan_is_a_comment_and_the_next_one_renews_it(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    assert run().code == 0
    (first,) = github.bodies()
    assert first.startswith(MARKER + "\n")
    assert "1 to add" in first
    assert first.count(MARKER) == 1
    github.has_plan(zipped(PLAN.replace("1 to", "2 to")), 12)
    assert run().code == 0
    (second,) = github.bodies()
    assert "2 to add" in second
    assert [change.split()[0] for change in github.changes] == ["POST", "PATCH"]


def test_the_same_plan_again_changes_nothing(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    assert (run().code, run().code) == (0, 0)
    assert len(github.changes) == 1


def test_where_nothing_changes_nothing_is_said_but_an_older_plan_is_replaced(
    github: GitHub, run: Runner
) -> None:
    github.has_plan(zipped(EMPTY))
    assert run().code == 0
    assert github.changes == []
    github.has_comment(PLAN)
    assert run().code == 0
    assert "No alert rule changes" in github.bodies()[0]


def test_a_run_without_a_plan_does_not_leave_an_older_one_standing(github: GitHub, run: Runner) -> None:
    assert run().code == 0
    assert github.changes == []
    github.has_comment(PLAN)
    assert run().code == 0
    assert "There is no plan of the newest commit" in github.bodies()[0]
    assert "1 to add" not in github.bodies()[0]


def test_a_comment_of_a_newer_run_stays(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    github.has_comment(f"{MARKER}\n<!-- rulecompiler:run 8 -->\nnewer")
    assert run().code == 0
    assert github.changes == []


def test_a_plan_of_any_size_fits(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN + "😀 @a #1 " * 20_000))
    assert run().code == 0
    assert "Cut to the length" in github.bodies()[0]


# --- whose comment -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "body"),
    [
        (STRANGER, PLAN),
        (OTHER_BOT, PLAN),
        ({"login": "github-actions[bot]", "type": "User"}, PLAN),
        (BOT, "another text"),
        (BOT, f"> quoted\n{MARKER}\n"),
        (BOT, f"{MARKER} and more\n"),
    ],
    ids=["a stranger's", "another bot's", "no bot's", "another of ours", "marker below", "marker and more"],
)
def test_what_is_not_our_comment_is_left_alone(
    github: GitHub, run: Runner, user: dict[str, str], body: str
) -> None:
    github.has_comment(body, user)
    github.has_plan(zipped(PLAN))
    assert run().code == 0
    old, new = github.bodies()
    assert old == body
    assert "1 to add" in new


def test_a_comment_whose_author_is_gone_is_not_ours(github: GitHub, run: Runner) -> None:
    github.comments[5] = [{"id": 1, "body": PLAN, "user": None}]
    github.has_plan(zipped(PLAN))
    assert run().code == 0
    assert len(github.bodies()) == 2


def test_of_two_comments_one_remains(github: GitHub, run: Runner) -> None:
    github.has_comment(PLAN)
    github.has_comment("in between", STRANGER)
    github.has_comment(PLAN)
    github.has_plan(zipped(PLAN.replace("1 to", "3 to")))
    assert run().code == 0
    assert len(github.bodies()) == 2
    assert "3 to add" in github.bodies()[0]
    assert github.bodies()[1] == "in between"


def test_our_comment_is_found_behind_hundreds_of_others(github: GitHub, run: Runner) -> None:
    for number in range(250):
        github.has_comment(f"talk {number}", STRANGER)
    github.has_comment(PLAN)
    github.has_plan(zipped(PLAN.replace("1 to", "3 to")))
    assert run().code == 0
    assert [change.split()[0] for change in github.changes] == ["PATCH"]


# --- which pull request ---------------------------------------------------------------


@pytest.mark.parametrize(
    "pulls",
    [
        [],
        [pull(sha="b" * 40)],
        [pull(state="closed")],
        [pull(head="stranger/another")],
        [pull(ref="other")],
        [{**pull(), "head": {"sha": SHA, "ref": "patch", "repo": None}}],
        [pull(5), pull(6)],
    ],
    ids=["none", "pushed to since", "closed", "another fork", "another branch", "fork is gone", "two bases"],
)
def test_no_comment_where_the_pull_request_is_not_certain(
    github: GitHub, run: Runner, pulls: list[dict[str, Any]]
) -> None:
    github.pulls = pulls
    github.has_plan(zipped(PLAN))
    github.has_comment(PLAN)
    done = run()
    assert done.code == 0, done.log
    assert github.changes == []


def test_the_pull_request_is_found_among_others(github: GitHub, run: Runner) -> None:
    github.pulls = [pull(number, head="stranger/another") for number in range(20, 170)]
    github.pulls += [pull(5), pull(6, "b" * 40), pull(7, ref="other")]
    github.has_plan(zipped(PLAN))
    assert run().code == 0
    assert len(github.bodies()) == 1


def test_a_branch_of_the_repo_itself_is_no_fork(github: GitHub, run: Runner) -> None:
    github.pulls = [pull(head=REPOSITORY)]
    github.has_plan(zipped(PLAN))
    assert run(head_repository={"full_name": REPOSITORY}).code == 0
    assert "fork" not in github.bodies()[0]


def test_of_a_fork_the_comment_says_whose_word_it_is(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    assert run().code == 0
    assert "from a fork" in github.bodies()[0].split("## Alert rules")[0]


def test_who_pushes_in_the_meantime_gets_no_plan_of_before(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))

    def push(asked: str) -> None:
        if asked.endswith("/comments"):
            github.pulls = [pull(sha="b" * 40)]

    github.before = push
    done = run()
    assert (done.code, github.changes) == (0, [])
    assert "moved on" in done.log


@pytest.mark.parametrize(
    "facts",
    [
        {"event": "push"},
        {"event": "workflow_dispatch"},
        {"repository": {"full_name": "other/repo"}},
        {"head_repository": None},
        {"head_sha": "../../issues"},
        {"head_sha": None},
        {"id": "7/../8"},
    ],
    ids=str,
)
def test_a_run_of_anything_else_is_refused(github: GitHub, run: Runner, facts: dict[str, Any]) -> None:
    github.has_plan(zipped(PLAN))
    assert run(**facts).code == 1
    assert github.asked == []


def test_a_branch_with_any_name_is_asked_for_as_it_is(github: GitHub, run: Runner) -> None:
    name = "a&state=closed/#$(x)ü"
    github.pulls = [pull(ref=name)]
    github.has_plan(zipped(PLAN))
    assert run(head_branch=name).code == 0
    assert len(github.bodies()) == 1


# --- the artifact ------------------------------------------------------------------------


def test_junk_fails_and_takes_an_older_plan_down(github: GitHub, run: Runner) -> None:
    github.has_plan(b"junk")
    done = run()
    assert (done.code, github.changes) == (1, [])
    github.has_comment(PLAN)
    assert run().code == 1
    assert "There is no plan" in github.bodies()[0]


def test_only_the_newest_artifact_of_that_name_counts(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN.replace("1 to", "8 to")), 13, name="plan-report")
    github.has_plan(zipped(PLAN.replace("1 to", "7 to")), 14, expired=True)
    github.has_plan(zipped(PLAN.replace("1 to", "2 to")), 12)
    github.has_plan(zipped(PLAN), 11)
    assert run().code == 0
    assert "2 to add" in github.bodies()[0]


@pytest.mark.parametrize("claimed", [10_000_000, 100], ids=["said so", "lied"])
def test_a_huge_artifact_is_not_taken_in(github: GitHub, run: Runner, claimed: int) -> None:
    github.has_plan(b"\0" * 3_000_000, size_in_bytes=claimed)
    done = run()
    assert (done.code, github.changes) == (1, [])
    assert "more than" in done.log


def test_a_download_goes_nowhere_unencrypted(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    github.answers = [("/zip$", (302, b"", {"Location": "http://storage.example/x"}))]
    done = run()
    assert (done.code, github.changes) == (1, [])
    assert "not https" in done.log


# --- a server that says no ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "waits"),
    [
        ({"Retry-After": "3"}, [3.0]),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}, [1.0]),
    ],
)
@pytest.mark.parametrize("where", ["GET .*/pulls", "GET .*/comments", "POST", "/zip$"])
def test_a_rate_limit_is_waited_for(
    github: GitHub, run: Runner, where: str, headers: dict[str, str], waits: list[float]
) -> None:
    github.has_plan(zipped(PLAN))
    github.answers = [(where, (403, {"message": "rate limit"}, headers))]
    done = run()
    assert (done.code, done.waits) == (0, waits)
    assert len(github.bodies()) == 1


def test_a_rate_limit_of_an_hour_is_not(github: GitHub, run: Runner) -> None:
    github.answers = [("GET", (403, {"message": "secondary rate limit"}, {"Retry-After": "3600"}))]
    done = run()
    assert (done.code, done.waits) == (1, [])
    assert "run this job again" in done.log


@pytest.mark.parametrize(
    ("where", "status", "message", "said"),
    [
        ("POST", 403, "Resource not accessible by integration", "pull-requests: write"),
        ("POST", 422, "Validation Failed", "422 Validation Failed"),
        ("GET .*/pulls", 404, "Not Found", "404"),
        ("GET .*/artifacts$", 410, "Gone", "410"),
        ("POST", 502, "Bad Gateway", "502"),
        ("GET .*/pulls", 200, "no list", "no list"),
        ("POST", 403, "::set-output name=x::\n::error::%0A", "403"),
    ],
)
def test_a_refusal_is_told_and_fails(
    github: GitHub, run: Runner, where: str, status: int, message: str, said: str
) -> None:
    github.has_plan(zipped(PLAN))
    github.answers = [(where, (status, {"message": message}, {}))]
    done = run()
    assert (done.code, github.bodies()) == (1, [])
    assert said in done.log
    assert done.log.count("\n") == 1
    assert done.log.startswith("::error::")


def test_a_fault_of_the_server_is_tried_again_but_never_a_post(github: GitHub, run: Runner) -> None:
    github.has_plan(zipped(PLAN))
    github.answers = [("GET .*/pulls", (502, b"<html>", {})), ("POST", (500, b"", {}))]
    done = run()
    assert (done.code, len(github.changes)) == (1, 1)
    assert run().code == 0
    assert len(github.bodies()) == 1


@pytest.mark.parametrize(("where", "code", "changes"), [("POST", 1, 1), ("GET .*/pulls", 0, 1)])
def test_an_answer_that_is_lost_is_asked_for_again_but_a_comment_is_not_posted_twice(
    github: GitHub, run: Runner, where: str, code: int, changes: int
) -> None:
    github.has_plan(zipped(PLAN))
    github.answers = [(where, (0, b"", {"X-Lost": "yes"}))]
    done = run()
    assert (done.code, len(github.changes)) == (code, changes), done.log


def test_nobody_there_is_told(run: Runner) -> None:
    run.env["GITHUB_API_URL"] = "http://127.0.0.1:1"
    done = run()
    assert done.code == 1
    assert "cannot be reached" in done.log


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_REPOSITORY", "GITHUB_API_URL"])
def test_a_missing_variable_is_named(run: Runner, name: str) -> None:
    del run.env[name]
    done = run()
    assert done.code == 1
    assert name in done.log
