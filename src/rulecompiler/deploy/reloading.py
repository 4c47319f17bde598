"""Tells a Prometheus to read its rule files, and says what is known of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from rulecompiler.deploy.exchange import Answer, Trouble
from rulecompiler.deploy.server import ReloadState, Server
from rulecompiler.deploy.server_faults import LIFECYCLE_IS_OFF, is_web_page, one_line
from rulecompiler.deploy.sighup import hang_up
from rulecompiler.diagnostics import Diagnostic

# Before each retry, where the server has not got the request, or says that it is busy.
_DELAYS_SECONDS = (1.0, 2.0, 4.0)
_BUSY = frozenset((408, 429, 502, 503, 504))
# A proxy may have given up waiting for a server that goes on.
_MAY_HAVE_ARRIVED = frozenset((408, 502, 504))
_REFUSED = "failed to reload config"
_POLL_SECONDS = 0.25


class Reloaded(NamedTuple):
    """What came of a reload, and why, unless it is done.

    done: the server read its files. rejected: it did, refused them, and runs what it ran before.
    impossible: it was not told at all. unknown: it may have been told, and may still be at it.
    """

    kind: Literal["done", "rejected", "impossible", "unknown"]
    fault: Diagnostic | None


_DONE = Reloaded("done", None)


def reload(
    server: Server,
    timeout_seconds: float,
    pid_file: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Reloaded:
    """Has the server reload, which each attempt may take `timeout_seconds` for.

    Retried are only attempts that it did not get, or was too busy for. With a `pid_file`, a server
    whose lifecycle API is off gets a SIGHUP instead; its metrics then tell what came of it.
    """
    maybe_told = False
    for delay in (*_DELAYS_SECONDS, None):
        answer = server.post_reload(timeout_seconds)
        if isinstance(answer, Trouble):
            if answer.kind not in ("unreachable", "impossible"):
                return Reloaded("unknown", _unknown(server.url, answer.fault.message))
            passing = answer.kind == "unreachable"
            fault = answer.fault
        else:
            if answer.status == 403 and LIFECYCLE_IS_OFF in answer.text and pid_file:
                return _by_signal(server, timeout_seconds, pid_file, sleep)
            maybe_told = maybe_told or answer.status in _MAY_HAVE_ARRIVED
            passing = answer.status in _BUSY
            if not passing:
                return _judged(server, answer)
            fault = server.refusal(answer, "/-/reload")
        if not passing or delay is None:
            break
        sleep(delay)
    return (
        Reloaded("unknown", _unknown(server.url, fault.message))
        if maybe_told
        else Reloaded("impossible", fault)
    )


def barrier(
    server: Server,
    timeout_seconds: float,
    pid_file: str = "",
    sleep: Callable[[float], None] = time.sleep,
) -> Reloaded:
    """Reloads once more after one with an unknown end: done or rejected, the earlier one is over too.

    A server serves reloads one after the other. That holds for requests; with a `pid_file`, what the
    metrics show may still be the earlier one's end.
    """
    return reload(server, timeout_seconds, pid_file, sleep)


def _judged(server: Server, answer: Answer) -> Reloaded:
    status = answer.status
    if status == 200 and not is_web_page(answer):
        return _DONE
    if status == 500:
        # A proxy may have put its own words for the server's, or have failed itself.
        state = None if answer.text.startswith(_REFUSED) else server.reload_state()
        if answer.text.startswith(_REFUSED) or (state is not None and not state.successful):
            return Reloaded("rejected", _rejected(server.url))
    fault = server.refusal(answer, "/-/reload")
    if status >= 500 or 201 <= status < 300:
        return Reloaded("unknown", _unknown(server.url, fault.message))
    return Reloaded("impossible", fault)


def _by_signal(
    server: Server, timeout_seconds: float, pid_file: str, sleep: Callable[[float], None]
) -> Reloaded:
    before = server.reload_state()
    if before is None:
        return Reloaded("impossible", _blind(server.url))
    fault = hang_up(pid_file)
    if fault is not None:
        return Reloaded("impossible", fault)
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        sleep(_POLL_SECONDS)
        ended = _end(before, server.reload_state(), server.url)
        if ended is not None:
            return ended
    return Reloaded(
        "unknown", _unknown(server.url, f"{timeout_seconds:g} s after SIGHUP nothing has changed")
    )


def _end(before: ReloadState, now: ReloadState | None, url: str) -> Reloaded | None:
    """What came of a SIGHUP; None while nothing can be seen of it.

    The time of success is compared with what it was, never with a clock. A failure after a failure
    changes nothing that could be seen.
    """
    if now is None:
        return None
    if now.success_timestamp != before.success_timestamp:
        return _DONE
    return Reloaded("rejected", _rejected(url)) if before.successful and not now.successful else None


def _rejected(url: str) -> Diagnostic:
    """The server names no cause in its answer (RC821)."""
    return Diagnostic(
        "RC821",
        f"{url} refuses to load what is on its disk, and goes on with the rules that it has",
        help="its log names the file: look for `Error reloading config` or `loading groups failed`; "
        "other files under its `rule_files` count too",
    )


def _unknown(url: str, reason: str) -> Diagnostic:
    """Nobody knows whether the server has reloaded (RC822)."""
    return Diagnostic(
        "RC822",
        f"it is not known whether {url} has reloaded: {one_line(reason)}",
        help="run `rulecompiler status`, which compares what runs; raise `reload_timeout` if it is slow",
    )


def _blind(url: str) -> Diagnostic:
    """Nothing would tell what came of a signal (RC824)."""
    return Diagnostic(
        "RC824",
        f"{url} does not show in its metrics how a reload ended, so it cannot be told by SIGHUP",
        help=f"see whether `curl {url}/metrics` shows prometheus_config_last_reload_successful, or start "
        "Prometheus with --web.enable-lifecycle",
    )
