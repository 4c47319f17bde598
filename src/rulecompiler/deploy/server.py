"""What one Prometheus says of itself, over its HTTP API."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from itertools import chain, repeat
from types import TracebackType
from typing import Any, Literal, NamedTuple

from rulecompiler import document
from rulecompiler.deploy import server_faults as faults
from rulecompiler.deploy.exchange import Answer, Exchanger, Trouble
from rulecompiler.deploy.running import RunningGroup, Unexpected, read_groups
from rulecompiler.deploy.running_targets import read_targets
from rulecompiler.deploy.settings import Credentials
from rulecompiler.deploy.whereabouts import find_prefix
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Source

_MIB = 2**20
# A hundred thousand groups have about 50 MB; what is longer is no answer but an attack.
_MOST_BYTES_OF_RULES = 256 * _MIB
_MOST_BYTES = 64 * _MIB
_MOST_BYTES_OF_A_WORD = 64 * 1024
_MOST_PAGES = 10_000
_PAGE = "10000"

# Before each retry of a question that changes nothing.
_DELAYS_SECONDS = (1.0, 2.0, 4.0)
_MAY_PASS = frozenset((429, 502, 503, 504))
_POLL_SECONDS = (0.1, 0.2, 0.5, 1.0)

_NONE = Credentials()
_VERSION = re.compile(r"v?(\d+(?:\.\d+)+)")
# The running configuration is written by the server itself: top-level keys alone stand at a line's start.
_RULE_FILES = re.compile(r"^rule_files:.*\n(?:[- ].*(?:\n|\Z))*", re.MULTILINE)
_METRIC = re.compile(
    rb"^prometheus_config_last_reload_(successful|success_timestamp_seconds) (\S+)$", re.MULTILINE
)


class Readiness(NamedTuple):
    """Whether a server serves; `fault` says why it does not.

    starting: it will, by itself. unreachable: nobody answers, or a proxy in its place. refused: it
    answers, and waiting helps nothing.
    """

    state: Literal["ready", "starting", "unreachable", "refused"]
    fault: Diagnostic | None


class ReloadState(NamedTuple):
    """How the last reload ended, and when the last good one did, in seconds by the server's clock."""

    successful: bool
    success_timestamp: float


class Server:
    """A Prometheus at a URL, which may have a path prefix. Nothing of it raises; faults are RC810 to RC819.

    What is wrong with the URL or the credentials themselves is the answer to each question.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials = _NONE,
        timeout_seconds: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Each question may take `timeout_seconds`, those that are repeated that long each time."""
        self._exchanger = Exchanger(url, credentials)
        self.url = self._exchanger.url  # fit to be shown
        self._seconds = timeout_seconds
        self._sleep = sleep

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._exchanger.close()

    # --- is it there --------------------------------------------------------

    def readiness(self) -> Readiness:
        """Whether it serves now."""
        return self._readiness(self._seconds)

    def _readiness(self, seconds: float) -> Readiness:
        answer = self._word("/-/ready", seconds)
        if isinstance(answer, Trouble):
            return Readiness("refused" if answer.kind == "impossible" else "unreachable", answer.fault)
        if answer.status == 200 and not faults.is_web_page(answer):
            return Readiness("ready", None)
        if answer.status == 503:
            return Readiness("starting", faults.not_ready(self.url))
        passing = answer.status in _MAY_PASS or answer.status >= 500
        return Readiness("unreachable" if passing else "refused", self.refusal(answer, "/-/ready"))

    def healthy(self) -> bool:
        """Whether it says that it is alive, ready or not."""
        answer = self._word("/-/healthy", self._seconds)
        return isinstance(answer, Answer) and answer.status == 200 and not faults.is_web_page(answer)

    def wait_ready(self, seconds: float) -> Diagnostic | None:
        """Waits until it serves; why not, when the time is over or waiting helps nothing."""
        deadline = time.monotonic() + seconds
        pauses = chain(_POLL_SECONDS, repeat(_POLL_SECONDS[-1]))
        while True:
            left = max(0.1, deadline - time.monotonic())
            found = self._readiness(min(self._seconds, left))
            if found.state in ("ready", "refused"):
                return found.fault
            pause = next(pauses)
            if time.monotonic() + pause >= deadline:
                return faults.never_ready(self.url, seconds) if found.state == "starting" else found.fault
            self._sleep(pause)

    # --- what it is and runs ---------------------------------------------------

    def version(self) -> str | Diagnostic:
        """Such as `2.42.0`, without build marks."""
        data = self._data("status/buildinfo")
        if isinstance(data, Diagnostic):
            return data
        match = _VERSION.match(str(data.get("version"))) if isinstance(data, dict) else None
        return match.group(1) if match else faults.not_understood(self.url, "/api/v1/status/buildinfo")

    def lifecycle(self) -> bool | None:
        """Whether it reloads when it is told to over HTTP; None if it does not say."""
        data = self._data("status/flags")
        value = data.get("web.enable-lifecycle") if isinstance(data, dict) else None
        return {"true": True, "false": False}.get(str(value))

    def rule_patterns(self) -> tuple[str, ...] | Diagnostic:
        """The `rule_files` of the configuration that it runs with, as paths where it runs."""
        data = self._data("status/config")
        if isinstance(data, Diagnostic):
            return data
        text = data.get("yaml") if isinstance(data, dict) else None
        if not isinstance(text, str):
            return faults.not_understood(self.url, "/api/v1/status/config")
        section = _RULE_FILES.search(text)
        if section is None:
            return ()
        read, _ = document.parse(Source("prometheus.yml", section.group()))
        patterns = read.data.get("rule_files") if read is not None and isinstance(read.data, dict) else None
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            return faults.not_understood(self.url, "/api/v1/status/config")
        return tuple(patterns)

    def groups(self) -> tuple[RunningGroup, ...] | Diagnostic:
        """All groups that it evaluates. A server may give them in pages, although that is not asked for."""
        found: list[RunningGroup] = []
        params: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            data = self._data("rules", params, most_bytes=_MOST_BYTES_OF_RULES)
            if isinstance(data, Diagnostic):
                return data
            try:
                found += read_groups(data)
            except Unexpected:
                break
            token = data.get("groupNextToken")
            if not token:
                return tuple(found)
            if token == params.get("group_next_token"):
                break
            params = {"group_next_token": str(token), "group_limit": _PAGE}
        return faults.not_understood(self.url, "/api/v1/rules")

    def targets(self) -> tuple[Mapping[str, str], ...] | Diagnostic:
        """The labels of each target that it scrapes, after relabelling."""
        data = self._data("targets", {"state": "active"}, most_bytes=_MOST_BYTES_OF_RULES)
        if isinstance(data, Diagnostic):
            return data
        try:
            return read_targets(data)
        except Unexpected:
            return faults.not_understood(self.url, "/api/v1/targets")

    def reload_state(self) -> ReloadState | None:
        """How the last reload ended; None if the server's metrics do not say."""
        answer = self._ask("/metrics", {}, _MOST_BYTES)
        if isinstance(answer, Trouble) or answer.status != 200:
            return None
        found = dict(_METRIC.findall(answer.body))
        try:
            return ReloadState(float(found[b"successful"]) == 1, float(found[b"success_timestamp_seconds"]))
        except (KeyError, ValueError):
            return None

    def canonical(self, query: str) -> str | None:
        """A query in the form in which the server itself gives it; None if it cannot say."""
        data = self._content(
            self._ask("/api/v1/format_query", {"query": query}, _MOST_BYTES), "/api/v1/format_query"
        )
        return data if isinstance(data, str) else None

    # --- questions ----------------------------------------------------------------

    def post_reload(self, seconds: float) -> Answer | Trouble:
        """One request to reload, without retries."""
        return self._exchanger.ask("POST", "/-/reload", seconds=seconds, most_bytes=_MOST_BYTES_OF_A_WORD)

    def refusal(self, answer: Answer, path: str) -> Diagnostic:
        """What an answer that is not the expected one means, and what to do about it."""
        elsewhere = find_prefix(self._exchanger, self._seconds) if answer.status == 404 else None
        return faults.refusal(self.url, answer, path, elsewhere)

    def _word(self, path: str, seconds: float) -> Answer | Trouble:
        return self._exchanger.ask("GET", path, seconds=seconds, most_bytes=_MOST_BYTES_OF_A_WORD)

    def _ask(self, path: str, params: Mapping[str, str], most_bytes: int) -> Answer | Trouble:
        return self._exchanger.ask("GET", path, params, seconds=self._seconds, most_bytes=most_bytes)

    def _data(
        self, what: str, params: Mapping[str, str] | None = None, most_bytes: int = _MOST_BYTES
    ) -> Any | Diagnostic:
        """The `data` of an answer of the API. A server that is not there for the moment is asked again."""
        path = f"/api/v1/{what}"
        answer = self._ask(path, params or {}, most_bytes)
        for delay in _DELAYS_SECONDS:
            if isinstance(answer, Trouble):
                passing = answer.kind in ("unreachable", "lost")
            else:
                passing = answer.status in _MAY_PASS
            if not passing:
                break
            self._sleep(delay)
            answer = self._ask(path, params or {}, most_bytes)
        return self._content(answer, path)

    def _content(self, answer: Answer | Trouble, path: str) -> Any | Diagnostic:
        if isinstance(answer, Trouble):
            return answer.fault
        if answer.status != 200:
            return self.refusal(answer, path)
        try:
            content = json.loads(answer.body)
            return content["data"] if content["status"] == "success" else self.refusal(answer, path)
        except (ValueError, KeyError, TypeError, RecursionError):
            return faults.not_understood(self.url, path)
