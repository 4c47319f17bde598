"""Post the plan of a pull request as its one comment, or renew that comment. Python 3.11 and nothing else.

For a job of a `workflow_run` workflow, which may write and so runs no code of the pull request: this reads
what GitHub says of the run ($GITHUB_EVENT_PATH), fetches the run's artifact as data, and asks GitHub which
pull request it is for. Nothing in the artifact decides where anything is written.

Exit code 0: posted, or rightly nothing to do. 1: it could not be done, and the log says why.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comment_body
from comment_body import Junk, Origin
from github_api import Api, Failure

ARTIFACT = "plan"
AUTHOR = "github-actions[bot]"
"""Who comments with the token that GitHub gives to a job."""


@dataclass(frozen=True)
class Run:
    """A run of the workflow that made the plan, as the event has it."""

    id: int
    sha: str
    branch: str
    head_repository: str


def main(environ: Mapping[str, str] = os.environ, sleep: Callable[[float], None] = time.sleep) -> int:
    """Do it all; the exit code."""
    try:
        repository = environ["GITHUB_REPOSITORY"]
        run = read_run(json.loads(Path(environ["GITHUB_EVENT_PATH"]).read_text("utf-8")), repository)
        api = Api(environ["GITHUB_API_URL"].rstrip("/"), repository, environ["GITHUB_TOKEN"], sleep)
        server = environ.get("GITHUB_SERVER_URL", "https://github.com").rstrip("/")
        author = environ.get("COMMENT_AUTHOR") or AUTHOR
        print(renew(api, run, f"{server}/{repository}/actions/runs/{run.id}", author))
    except KeyError as missing:
        print(f"::error::{missing.args[0]} is not set")
    except (Failure, Junk) as fault:
        print(f"::error::{_data(str(fault))}")
    except (OSError, ValueError) as fault:
        print(f"::error::the event cannot be read: {_data(str(fault))}")
    else:
        return 0
    return 1


def read_run(event: Any, repository: str) -> Run:
    """The run that an event is about. Raises Failure where it is of no pull request to this repository."""
    try:
        run = event["workflow_run"]
        number, sha, branch = run["id"], run["head_sha"], run["head_branch"]
        head, kind, home = run["head_repository"]["full_name"], run["event"], run["repository"]["full_name"]
    except (KeyError, TypeError):
        raise Failure("the event names no run, or the fork that it was for is gone") from None
    if kind != "pull_request" or home != repository:
        raise Failure(f"the run is of a {kind} to {home}, not of a pull request to {repository}")
    if not isinstance(number, int) or not re.fullmatch(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", str(sha)):
        raise Failure("the event names no run and commit")
    return Run(number, str(sha), str(branch), str(head))


def renew(api: Api, run: Run, run_url: str, author: str) -> str:
    """Bring the comment up to date; what was done. Raises Failure or Junk."""
    number = pull_request(api, run)
    if isinstance(number, str):
        return number
    origin = Origin(run.id, run_url, run.sha, run.head_repository != api.repository)
    junk: Junk | None = None
    try:
        plan = fetch_plan(api, run)
    except Junk as fault:
        plan, junk = None, fault
    own = own_comments(api, number, author)
    if any(comment_body.run_of(comment["body"]) > run.id for comment in own):
        return f"the comment on #{number} is of a newer run already"
    if plan is None:
        why = "its artifact is not what the plan's job makes" if junk else "its run made none"
        text = comment_body.without_plan(origin, why)
    else:
        text = comment_body.body(plan, origin)
    done = f"nothing to say on #{number}"
    # Of silence one could think that nothing changes: where a plan was promised, that there is none is said.
    if own or (plan is not None and not comment_body.says_nothing_changes(plan)):
        # Between the first look and now somebody may have pushed: what is posted must be of what is there.
        if pull_request(api, run) != number:
            return f"#{number} has moved on"
        done = put(api, number, own, text)
    if junk is not None:
        raise Junk(f"{junk} ({done})")
    return done


def pull_request(api: Api, run: Run) -> int | str:
    """The number of the one open pull request whose head is the run's commit, or why there is none."""
    owner = run.head_repository.partition("/")[0]
    found = [
        pull["number"]
        for pull in api.pages("pulls", state="open", head=f"{owner}:{run.branch}")
        if pull.get("state") == "open"
        and _is_head(pull.get("head"), run)
        and isinstance(pull.get("number"), int)
    ]
    if len(found) == 1:
        return int(found[0])
    if not found:
        return f"no open pull request has {run.sha[:12]} as its head: closed, or pushed to since"
    # Which of them the plan is for, only the artifact could tell, and that is not to be asked.
    return f"{len(found)} pull requests have this head: not known which of them the plan is for"


def _is_head(head: Any, run: Run) -> bool:
    try:
        there = (head["sha"], head["ref"], head["repo"]["full_name"])
    except (KeyError, TypeError):  # the fork is gone
        return False
    return bool(there == (run.sha, run.branch, run.head_repository))


def fetch_plan(api: Api, run: Run) -> str | None:
    """The newest plan of the run; None where it made none. Raises Failure or Junk."""
    found = [
        artifact
        for artifact in api.pages(f"actions/runs/{run.id}/artifacts", "artifacts", name=ARTIFACT)
        if artifact.get("name") == ARTIFACT
        and not artifact.get("expired")
        and isinstance(artifact.get("id"), int)
    ]
    if not found:
        return None
    newest = max(found, key=lambda artifact: int(artifact["id"]))
    size = newest.get("size_in_bytes")
    if not isinstance(size, int) or size > comment_body.LARGEST_ARCHIVE:
        raise Junk(f"the artifact has more than {comment_body.LARGEST_ARCHIVE:,} bytes")
    data = api.download(f"actions/artifacts/{newest['id']}/zip", comment_body.LARGEST_ARCHIVE)
    return comment_body.read_plan(data)


def own_comments(api: Api, number: int, author: str) -> list[dict[str, Any]]:
    """Our comments on it, oldest first: with the marker as first line, and written by us."""
    return [
        comment
        for comment in api.pages(f"issues/{number}/comments")
        if str((comment.get("user") or {}).get("login")) == author
        and (comment.get("user") or {}).get("type") == "Bot"
        and isinstance(comment.get("body"), str)
        and comment["body"].partition("\n")[0].rstrip("\r") == comment_body.MARKER
    ]


def put(api: Api, number: int, own: list[dict[str, Any]], text: str) -> str:
    """One comment with this text, whatever was there. Raises Failure."""
    if not own:
        api.send("POST", f"issues/{number}/comments", {"body": text})
        return f"commented on #{number}"
    for surplus in own[1:]:  # two runs at once have made it
        api.send("DELETE", f"issues/comments/{surplus['id']}")
    if own[0]["body"] == text:
        return f"the comment on #{number} says so already"
    api.send("PATCH", f"issues/comments/{own[0]['id']}", {"body": text})
    return f"renewed the comment on #{number}"


def _data(text: str) -> str:
    shown = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text[:500])
    return shown.replace("%", "%25")


if __name__ == "__main__":
    sys.exit(main())
