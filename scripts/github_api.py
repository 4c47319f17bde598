"""GitHub's REST API, as far as a comment on a pull request needs it. Python 3.11 and nothing else.

The token goes to the API alone: a redirect is followed by hand, without it.
Source: https://docs.github.com/en/rest, API version 2022-11-28.
"""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException
from typing import Any

_TIMEOUT_SECONDS = 30
_MOST_PAGES = 50
_LARGEST_ANSWER = 16 * 1024 * 1024  # bytes
_TRIES = 4
_LONGEST_WAIT = 120  # seconds, for a rate limit
_REDIRECTS = (301, 302, 303, 307, 308)


class Failure(Exception):
    """Why it cannot be done, in a sentence for whoever reads the log."""


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Message
    data: bytes


@dataclass(frozen=True)
class Api:
    """One repository of a server. `sleep` takes seconds."""

    url: str
    repository: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def pages(self, path: str, key: str = "", **query: str | int) -> Iterator[dict[str, Any]]:
        """All entries of a list, page by page; `key` names it where a page is no list. Raises Failure."""
        for page in range(1, _MOST_PAGES + 1):
            answer = self._ask("GET", self._address(path, {**query, "per_page": 100, "page": page}))
            found = _parsed(answer)
            entries = found.get(key) if key and isinstance(found, dict) else found
            if not isinstance(entries, list):
                raise Failure(f"GitHub's answer to {path} is no list")
            yield from (entry for entry in entries if isinstance(entry, dict))
            if not re.search(r'rel="?next"?', answer.headers.get("Link") or ""):
                return
        raise Failure(f"GitHub's list of {path} has more than {_MOST_PAGES} pages")

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Changes something. Raises Failure."""
        self._ask(method, self._address(path, {}), None if body is None else json.dumps(body).encode())

    def download(self, path: str, largest: int) -> bytes:
        """A file behind one redirect, of at most so many bytes. Raises Failure."""
        answer = self._ask("GET", self._address(path, {}), largest=largest)
        if answer.status in _REDIRECTS:
            target = urllib.parse.urljoin(self.url, answer.headers.get("Location") or "")
            if not target.startswith(("https://", f"{self.url}/")):
                raise Failure("GitHub sends the download to an address that is not https")
            answer = self._ask("GET", target, largest=largest, secret=False)
        if answer.status != 200:
            raise Failure(f"the download of {path} ends with status {answer.status}")
        return answer.data

    def _address(self, path: str, query: Mapping[str, str | int]) -> str:
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return f"{self.url}/repos/{self.repository}/{path}{asked}"

    def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        largest: int = _LARGEST_ANSWER,
        secret: bool = True,
    ) -> _Answer:
        what = f"{method} {urllib.parse.urlsplit(url).path}"
        for attempt in range(1, _TRIES + 1):
            try:
                answer = self._once(method, url, body, largest, secret)
            except (OSError, HTTPException) as error:
                # A POST that was lost on the way back would be made twice; all else can be.
                if method == "POST" or attempt == _TRIES:
                    raise Failure(f"{what}: GitHub cannot be reached: {error}") from None
                self.sleep(2**attempt)
                continue
            wait = _wait(answer, method, attempt)
            if wait is None or attempt == _TRIES:
                break
            if wait > _LONGEST_WAIT:
                raise Failure(
                    f"{what}: GitHub's rate limit asks to wait {wait:.0f} s: run this job again later"
                )
            self.sleep(wait)
        if answer.status >= 400:
            raise Failure(f"{what}: {_complaint(answer)}")
        return answer

    def _once(self, method: str, url: str, body: bytes | None, largest: int, secret: bool) -> _Answer:
        request = urllib.request.Request(url, body, method=method)
        request.add_header("User-Agent", "rulecompiler")
        if secret:
            request.add_header("Authorization", f"Bearer {self.token}")
            request.add_header("Accept", "application/vnd.github+json")
            request.add_header("X-GitHub-Api-Version", "2022-11-28")
        if body is not None:
            request.add_header("Content-Type", "application/json")
        try:
            response = _OPENER.open(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.headers, error.read(65_536))
        with response:
            data = response.read(largest + 1)
            if len(data) > largest:
                raise Failure(f"{method} {urllib.parse.urlsplit(url).path}: more than {largest:,} bytes")
            return _Answer(response.status, response.headers, data)


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Stay)


def _parsed(answer: _Answer) -> Any:
    try:
        return json.loads(answer.data)
    except (ValueError, RecursionError):
        raise Failure("GitHub's answer is no JSON") from None


def _wait(answer: _Answer, method: str, attempt: int) -> float | None:
    """How many seconds to wait before asking again; None where that would not help."""
    if answer.status in (403, 429):
        after = answer.headers.get("Retry-After") or ""
        if after.isdigit():
            return float(after)
        reset = answer.headers.get("X-RateLimit-Reset") or ""
        if answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isdigit():
            return max(1.0, int(reset) - time.time())
        return 60.0 if answer.status == 429 else None
    return 2.0**attempt if answer.status >= 500 and method != "POST" else None


def _complaint(answer: _Answer) -> str:
    try:
        message = str(json.loads(answer.data)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        message = ""
    said = f"GitHub answers {answer.status} {message}".rstrip()
    if answer.status in (401, 403):
        needed = "`actions: read` and `pull-requests: write`, and the conversation not locked"
        return f"{said}; the job needs {needed}"
    return said
