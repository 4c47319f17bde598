"""What an answer of a server means that is not the expected one: what was found, and the next thing to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from rulecompiler.deploy.connection_faults import plain_to_tls
from rulecompiler.deploy.exchange import Answer
from rulecompiler.diagnostics import Diagnostic

LIFECYCLE_IS_OFF = "Lifecycle API is not enabled"
_SHOWN = 200  # characters of what a server says
# What a server of HTTPS says to plain HTTP: Go's and nginx' words.
_WANTS_TLS = re.compile("HTTP request (?:was sent )?to (?:an )?HTTPS")


def not_ready(url: str) -> Diagnostic:
    """A server that is still starting (RC819)."""
    return Diagnostic(
        "RC819",
        f"{url} is not ready yet: it starts, or it ends",
        help=f"wait until `curl {url}/-/ready` says so, then run this again",
    )


def never_ready(url: str, seconds: float) -> Diagnostic:
    """A server that starts for too long (RC819)."""
    return Diagnostic(
        "RC819",
        f"{url} is not ready after {seconds:g} s",
        help="look at its log; if it is still replaying its write-ahead log, raise `ready_timeout`",
    )


def not_understood(url: str, path: str) -> Diagnostic:
    """A 200 that is not what Prometheus answers (RC818)."""
    return Diagnostic(
        "RC818",
        f"what {url} answers to {path} is not what Prometheus says",
        help=f"see whether `url` leads to Prometheus: `curl {url}{path}`",
    )


def lifecycle_is_off(url: str) -> Diagnostic:
    """A server that takes no orders to reload over HTTP (RC820)."""
    return Diagnostic(
        "RC820",
        f"{url} does not reload over HTTP: its lifecycle API is off",
        help="start Prometheus with --web.enable-lifecycle, or, on its own host, set `pid_file`",
    )


def refusal(url: str, answer: Answer, path: str, elsewhere: str | None = None) -> Diagnostic:
    """Why an answer is not the one that Prometheus gives (RC816 to RC820).

    `elsewhere` is the URL under which one was found, if there was.
    """
    if answer.status == 403 and LIFECYCLE_IS_OFF in answer.text:
        return lifecycle_is_off(url)
    if answer.status == 400 and _WANTS_TLS.search(answer.text):
        return plain_to_tls(url)
    if 300 <= answer.status < 400:
        return _redirect(url, answer, path)
    if answer.status == 404:
        return _not_there(url, path, elsewhere)
    if answer.status == 503:
        return not_ready(url)
    if answer.status == 200 and is_web_page(answer):
        return _web_page(url, path)
    explain = _BY_STATUS.get(answer.status, _other)
    return explain(url, answer, path)


def is_web_page(answer: Answer) -> bool:
    """Whether the answer is made for a browser, as is that of a login in front of the server."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" or answer.body.lstrip()[:1] == b"<"


def _unauthorized(url: str, answer: Answer, path: str) -> Diagnostic:
    return Diagnostic(
        "RC817",
        f"{url} wants credentials, and takes none of these (401)",
        help="set PROMETHEUS_USERNAME and PROMETHEUS_PASSWORD_FILE, or PROMETHEUS_TOKEN_FILE, for it",
    )


def _forbidden(url: str, answer: Answer, path: str) -> Diagnostic:
    return Diagnostic(
        "RC817",
        f"{url} does not let these credentials ask for {path} (403){_said(answer)}",
        help="grant them that path where the proxy in front of Prometheus is configured, or give others",
    )


def _wrong_method(url: str, answer: Answer, path: str) -> Diagnostic:
    return Diagnostic(
        "RC818",
        f"{url} does not take this request for {path} (405){_said(answer)}",
        help="see whether `url` leads to Prometheus itself, and whether a proxy between lets POST through",
    )


_BY_STATUS: Mapping[int, Callable[[str, Answer, str], Diagnostic]] = {
    401: _unauthorized,
    403: _forbidden,
    405: _wrong_method,
}


def _not_there(url: str, path: str, elsewhere: str | None) -> Diagnostic:
    if elsewhere is not None:
        return Diagnostic(
            "RC818",
            f"there is no {path} at {url} (404); Prometheus answers at {elsewhere}",
            help=f"write `url` (or PROMETHEUS_URL) as {elsewhere}",
        )
    return Diagnostic(
        "RC818",
        f"there is no {path} at {url} (404), and no Prometheus elsewhere at this port",
        help="correct `url` (or PROMETHEUS_URL); a server with --web.route-prefix, or with a path in "
        "--web.external-url, answers below that path alone",
    )


def _redirect(url: str, answer: Answer, path: str) -> Diagnostic:
    to = _shown_location(answer.headers.get("location", ""))
    return Diagnostic(
        "RC818",
        f"{url} redirects {path} to {to}, and redirects are not followed",
        help="write `url` (or PROMETHEUS_URL) so that it leads to Prometheus itself, past any login page",
    )


def _web_page(url: str, path: str) -> Diagnostic:
    return Diagnostic(
        "RC818",
        f"{url} answers {path} with a web page, as Prometheus does not",
        help="write `url` (or PROMETHEUS_URL) so that it leads to Prometheus itself, past any login page",
    )


def _other(url: str, answer: Answer, path: str) -> Diagnostic:
    return Diagnostic(
        "RC818",
        f"{url} answers {path} with {answer.status}{_said(answer)}",
        help="look at the log of Prometheus, and of a proxy in front of it",
    )


def _said(answer: Answer) -> str:
    if is_web_page(answer):
        return ""
    said = one_line(answer.text)
    return f": {said}" if said else ""


def one_line(text: str) -> str:
    """The beginning of a text without what could garble a terminal."""
    clean = "".join(char if char.isprintable() else " " for char in text[: 10 * _SHOWN])
    words = " ".join(clean.split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 1] + "…"


def _shown_location(location: str) -> str:
    """Where a redirect leads, without what may be secret in it."""
    try:
        parts = urlsplit(one_line(location))
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
    except ValueError:
        return "somewhere else"
    return place + parts.path or "somewhere else"
