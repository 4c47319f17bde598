"""Queries over a time range, put to a server that speaks Prometheus' HTTP API. Nothing of it raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

from rulecompiler.backtest.grid import Grid, Window
from rulecompiler.deploy import server_faults
from rulecompiler.deploy.exchange import Answer, Exchanger, Trouble
from rulecompiler.deploy.server_faults import one_line
from rulecompiler.deploy.settings import Credentials
from rulecompiler.deploy.whereabouts import find_prefix
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.promql.durations import milliseconds

_RANGE = "/api/v1/query_range"
_MOST_BYTES = 16 * 2**20  # some million samples, which take ten times that once they are read
_LONGEST_URL = 4_000  # characters of a query that goes into a URL; a longer one is posted
_SLACK_SECONDS = 2.0  # that the server may take beyond its own time-out to say so
_DEFAULT_INTERVAL = re.compile(r"^global:\n(?:  .*\n)*?  evaluation_interval: (\S+)$", re.MULTILINE)
_TOO_MUCH = re.compile("too many samples|exceeded maximum resolution|too many points|limit")
_OF_THE_WAY = frozenset((301, 302, 303, 307, 308, 401, 403, 404, 405))


class Refused(NamedTuple):
    """Why a query has no result.

    gone: no other query would fare better. much: a shorter time may. this: this very query has none.
    """

    kind: Literal["gone", "much", "this"]
    reason: str  # in a few words
    fault: Diagnostic | None = None  # of the server, where it is gone


class RangeServer:
    """One server, asked one query at a time over one connection."""

    def __init__(self, url: str, credentials: Credentials, timeout_seconds: float) -> None:
        """Each query may take `timeout_seconds`; the server is told so."""
        self._exchanger = Exchanger(url, credentials)
        self.url = self._exchanger.url  # fit to be shown
        self._seconds = timeout_seconds
        self.asked = 0

    def __enter__(self) -> RangeServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exchanger.close()

    def query_range(self, expr: str, ticks: Grid, seconds: float | None = None) -> Any | Refused:
        """The `data` of the answer for these ticks; `seconds` where less than usual is left."""
        seconds = min(self._seconds, seconds or self._seconds)
        params = {
            "query": expr,
            "start": _seconds(ticks.start),
            "end": _seconds(ticks.last),
            "step": _seconds(ticks.step),
            "timeout": f"{max(1, round(seconds * 1000))}ms",
        }
        self.asked += 1
        return self._data(_RANGE, params, seconds + _SLACK_SECONDS)

    def known_metrics(self, names: Iterable[str], window: Window) -> frozenset[str] | Refused:
        """Which of these metrics have any series in the window, or near it: whole blocks count."""
        pattern = "|".join(sorted(names))  # a name has no character that means something in a regex
        params = {
            "match[]": f'{{__name__=~"{pattern}"}}',
            "start": _seconds(window.start),
            "end": _seconds(window.end),
        }
        self.asked += 1
        data = self._data("/api/v1/label/__name__/values", params, self._seconds)
        if isinstance(data, Refused):
            return data
        if not isinstance(data, list):
            return Refused("this", "what it answers is not what Prometheus says")
        return frozenset(map(str, data))

    def evaluation_interval(self) -> int | None:
        """The interval of groups without one of their own, in milliseconds; None if it does not say."""
        data = self._data("/api/v1/status/config", {}, self._seconds)
        text = data.get("yaml") if isinstance(data, dict) else None
        match = _DEFAULT_INTERVAL.search(text) if isinstance(text, str) else None
        return (milliseconds(match[1]) or None) if match else None

    def _data(self, path: str, params: Mapping[str, str], seconds: float) -> Any | Refused:
        encoded = urlencode(params)
        if len(encoded) <= _LONGEST_URL or path != _RANGE:
            answer = self._exchanger.ask("GET", path, params, seconds=seconds, most_bytes=_MOST_BYTES)
        else:
            answer = self._exchanger.ask(
                "POST",
                path,
                seconds=seconds,
                most_bytes=_MOST_BYTES,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                content=encoded.encode(),
            )
        if isinstance(answer, Trouble):
            return self._trouble(answer)
        return self._content(answer, path)

    def _trouble(self, trouble: Trouble) -> Refused:
        if trouble.kind in ("impossible", "unreachable"):
            return Refused("gone", trouble.fault.message, trouble.fault)
        if trouble.kind == "garbled" and trouble.fault.code == "RC815":
            return Refused("much", "its answer is too large")
        words = {"late": "the query takes too long", "lost": "the connection broke off while it answered"}
        return Refused("this", words.get(trouble.kind, "its answer cannot be read"))

    def _content(self, answer: Answer, path: str) -> Any | Refused:
        try:
            content = json.loads(answer.body)
            status = content["status"]
        except (ValueError, KeyError, TypeError, RecursionError):
            content, status = {}, ""
        if answer.status == 200 and status == "success" and "data" in content:
            warnings = content.get("warnings") or []
            said = warnings if isinstance(warnings, list) else [warnings]
            partial = [str(word) for word in said if not _is_about_promql(word)]
            if partial:
                return Refused("this", f"the answer is not whole: {one_line(partial[0])}")
            return content["data"]
        if status != "error" and (answer.status in _OF_THE_WAY or answer.status == 200):
            lost = answer.status == 404 and path == _RANGE
            elsewhere = find_prefix(self._exchanger, self._seconds) if lost else None
            fault = server_faults.refusal(self.url, answer, path, elsewhere)
            if answer.status == 200 and not server_faults.is_web_page(answer):
                return Refused("this", "its answer is not whole, or not what Prometheus says")
            return Refused("gone", fault.message, fault)
        error = one_line(str(content.get("error", ""))) or f"it answers with {answer.status}"
        if content.get("errorType") == "timeout":
            return Refused("this", f"the query takes too long: {error}")
        if answer.status == 422 and _TOO_MUCH.search(error):
            return Refused("much", error)
        return Refused("this", error)


def _is_about_promql(warning: object) -> bool:
    """Whether it is about the query itself, as newer servers tell, and not about missing data."""
    return str(warning).startswith("PromQL")


def _seconds(time: int) -> str:
    return str(time // 1000) if time % 1000 == 0 else f"{time / 1000:.3f}"
