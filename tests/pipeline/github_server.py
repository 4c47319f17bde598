"""GitHub's REST API, as strict as the real one about what a comment needs, on the loopback."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "sre/alerts"
TOKEN = "ghs_secret"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
SHA = "a" * 40

Answer = tuple[int, Any, dict[str, str]]


def zipped(text: str | bytes, name: str = "plan.md") -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return stream.getvalue()


def pull(
    number: int = 5,
    sha: str = SHA,
    state: str = "open",
    head: str = "stranger/alerts",
    ref: str = "patch",
) -> dict[str, Any]:
    owner = {"full_name": head, "owner": {"login": head.partition("/")[0]}}
    return {"number": number, "state": state, "head": {"sha": sha, "ref": ref, "repo": owner}}


class GitHub:
    """What there is in the repo, what was asked, and what shall go wrong."""

    def __init__(self) -> None:
        self.pulls = [pull()]
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.archives: dict[int, bytes] = {}
        self.asked: list[str] = []  # method and path
        self.wrong: list[str] = []  # what no client may do
        self.answers: list[tuple[str, Answer]] = []  # instead of the real answer, once each: pattern, answer
        self.before: Callable[[str], None] = lambda asked: None
        self.url = ""

    def has_plan(self, archive: bytes, number: int = 11, **facts: Any) -> None:
        self.archives[number] = archive
        artifact = {"id": number, "name": "plan", "expired": False, "size_in_bytes": len(archive), **facts}
        self.artifacts.append(artifact)

    def has_comment(self, body: str, user: dict[str, str] = BOT, on: int = 5) -> int:
        number = 100 + sum(map(len, self.comments.values()))
        self.comments.setdefault(on, []).append({"id": number, "body": body, "user": user})
        return number

    def bodies(self, on: int = 5) -> list[str]:
        return [comment["body"] for comment in self.comments.get(on, [])]

    @property
    def changes(self) -> list[str]:
        return [asked for asked in self.asked if not asked.startswith("GET")]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Answer:
        inside = path.removeprefix(f"/repos/{REPOSITORY}/")
        if inside == path:
            return 404, {"message": "Not Found"}, {}
        if (method, inside) == ("GET", "pulls"):
            owner, _, ref = query["head"].partition(":")
            found = [
                each
                for each in self.pulls
                if each["state"] == query["state"]
                and each["head"]["ref"] == ref
                # The owner alone is compared, not the repo: forks of other repos of theirs are seen too.
                and (each["head"]["repo"] is None or each["head"]["repo"]["owner"]["login"] == owner)
            ]
            return self.page(path, found, query)
        if method == "GET" and inside == "actions/runs/7/artifacts":
            found = [each for each in self.artifacts if each["name"] == query.get("name", each["name"])]
            status, page, headers = self.page(path, found, query)
            return status, {"total_count": len(found), "artifacts": page}, headers
        if method == "GET" and (match := re.fullmatch(r"actions/artifacts/(\d+)/zip", inside)):
            return 302, b"", {"Location": f"{self.url}/blob/{match[1]}"}
        if match := re.fullmatch(r"issues/(\d+)/comments", inside):
            number = int(match[1])
            if method == "GET":
                return self.page(path, self.comments.get(number, []), query)
            if number not in {each["number"] for each in self.pulls}:
                return 404, {"message": "Not Found"}, {}
            if refused := self.refused(body):
                return refused
            self.has_comment(body["body"], on=number)
            return 201, {}, {}
        if match := re.fullmatch(r"issues/comments/(\d+)", inside):
            for comments in self.comments.values():
                for comment in comments:
                    if comment["id"] == int(match[1]):
                        if comment["user"] != BOT:
                            self.wrong.append(f"{method} of somebody else's comment")
                        if method == "DELETE":
                            comments.remove(comment)
                            return 204, b"", {}
                        if refused := self.refused(body):
                            return refused
                        comment["body"] = body["body"]
                        return 200, {}, {}
        return 404, {"message": "Not Found"}, {}

    @staticmethod
    def refused(body: Any) -> Answer | None:
        length = len(body["body"].encode("utf-16-le")) // 2
        if set(body) == {"body"} and 0 < length <= 65_536:
            return None
        return 422, {"message": "Validation Failed: body is too long (maximum is 65536 characters)"}, {}

    def page(self, path: str, entries: list[Any], query: dict[str, str]) -> Answer:
        size, number = min(int(query.get("per_page", 30)), 100), int(query.get("page", 1))
        more = (
            {"Link": f'<{self.url}{path}?page={number + 1}>; rel="next"'}
            if number * size < len(entries)
            else {}
        )
        return 200, entries[(number - 1) * size : number * size], more


@contextmanager
def serving(github: GitHub) -> Iterator[GitHub]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            sent = self.rfile.read(length)
            asked = f"{self.command} {parts.path}"
            github.asked.append(asked)
            github.before(asked)
            self.reply(*self.found(asked, parts.path, query, sent))

        def found(self, asked: str, path: str, query: dict[str, str], sent: bytes) -> Answer:
            for number, (pattern, answer) in enumerate(github.answers):
                if re.search(pattern, asked):
                    del github.answers[number]
                    return answer
            if path.startswith("/blob/"):
                if self.headers.get("Authorization"):
                    github.wrong.append("the token was sent to the storage")
                return 200, github.archives[int(path.removeprefix("/blob/"))], {}
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return 401, {"message": "Bad credentials"}, {}
            if not self.headers.get("User-Agent") or self.headers.get("X-GitHub-Api-Version") != "2022-11-28":
                github.wrong.append("headers that GitHub asks for are missing")
            return github.answer(self.command, path, query, json.loads(sent) if sent else None)

        def reply(self, status: int, content: Any, headers: dict[str, str]) -> None:
            if "X-Lost" in headers:
                self.close_connection = True
                return
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if status != 204:
                self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    github.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
