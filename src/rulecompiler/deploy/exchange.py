"""One question to a server and its answer, within bounds of time and size.

A client's own time-outs hold for each read alone: a server that gives a byte now and then would be
listened to for ever. So a watchdog cuts the connection when the time for the whole exchange is over.
"""

from __future__ import annotations

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Literal, NamedTuple

import httpx

from rulecompiler.deploy import connection_faults as faults
from rulecompiler.deploy.connection import http_client
from rulecompiler.deploy.settings import Credentials
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.settings import why_not_url

Method = Literal["GET", "POST", "DELETE"]

_CONNECT_SECONDS = 10.0
# Packed at most a thousand times, a piece of 64 KiB can be unpacked without harm. Other packings, which a
# client may know too, are denser, and one inside another is the product of both.
_PACKINGS = frozenset(("", "identity", "gzip"))


class Answer(NamedTuple):
    """What a server answered, whatever the status."""

    status: int
    headers: Mapping[str, str]  # by names in lower case
    body: bytes

    @property
    def text(self) -> str:
        """The body; what is not UTF-8 in it is replaced."""
        return self.body.decode("utf-8", errors="replace")


class Trouble(NamedTuple):
    """Why there is no answer.

    impossible: no retry would help. unreachable: not now; the server has not got the request. lost,
    late, garbled: it may have got the request, and have acted on it.
    """

    kind: Literal["impossible", "unreachable", "lost", "late", "garbled"]
    fault: Diagnostic


class _Question(NamedTuple):
    """A request, to be sent once or twice."""

    method: Method
    url: str
    params: Mapping[str, str] | None
    headers: Mapping[str, str] | None
    content: bytes | None


class Exchanger:
    """Asks one server, one question at a time, over one connection as long as that lasts."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        """`url` may have a path, which is put before that of each question."""
        scheme, _, rest = url.rstrip("/").partition("://")
        place, slash, path = rest.partition("/")
        self.origin = f"{scheme}://{place.rpartition('@')[2]}"
        self.prefix = slash + path
        self.url = self.origin + self.prefix  # fit to be shown
        self._watchdog = _Watchdog()
        self._client = self._open(url, credentials)
        self._secrets = _secrets(credentials)

    def _open(self, url: str, credentials: Credentials) -> httpx.Client | Trouble:
        reason = why_not_url(url)
        if reason:
            self.url = "the server"
            return Trouble("impossible", faults.unusable_url(reason))
        try:
            httpx.URL(self.url)  # knows more of host names than `why_not_url`
            client = http_client(self.url, credentials, _CONNECT_SECONDS)
        except httpx.InvalidURL:
            return Trouble("impossible", faults.unusable_url("is none"))
        except OSError as error:
            return Trouble("impossible", faults.unusable_certificates(error, credentials))
        client.headers["Accept-Encoding"] = "gzip"
        return client

    def close(self) -> None:
        """Ends the connection."""
        if isinstance(self._client, httpx.Client):
            self._client.close()

    def ask(
        self,
        method: Method,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        seconds: float,
        most_bytes: int,
        from_root: bool = False,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer | Trouble:
        """The answer to a request for `path`, below the prefix unless `from_root`.

        All of it, connecting included, may take `seconds`; an answer may have `most_bytes` once it is
        unpacked.
        """
        if isinstance(self._client, Trouble):
            return self._client
        url = (self.origin if from_root else self.url) + path
        question = _Question(method, url, params, headers, content)
        answer = self._ask(self._client, question, path, seconds, most_bytes)
        stale = isinstance(answer, Trouble) and answer.kind == "lost" and not self._watchdog.connected
        if stale and method == "GET":
            # The server may end an idle connection at the very moment at which it is used again.
            answer = self._ask(self._client, question, path, seconds, most_bytes)
        return answer

    def _ask(
        self,
        client: httpx.Client,
        question: _Question,
        path: str,
        seconds: float,
        most_bytes: int,
    ) -> Answer | Trouble:
        timeout = httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
        try:
            with (
                self._watchdog.after(seconds),
                client.stream(
                    question.method,
                    question.url,
                    params=question.params,
                    headers=question.headers,
                    content=question.content,
                    timeout=timeout,
                    extensions={"trace": self._watchdog.trace},
                ) as response,
            ):
                answer = self._read(response, most_bytes)
        except httpx.ConnectTimeout:
            return Trouble("unreachable", faults.no_connection(self.url, timeout.connect or seconds))
        except httpx.HTTPError as error:
            if self._watchdog.bit or isinstance(error, httpx.TimeoutException):
                return Trouble("late", faults.late(self.url, path, seconds))
            return self._explained(error, path)
        # An answer that ends where its connection does looks whole when that was cut.
        return Trouble("late", faults.late(self.url, path, seconds)) if self._watchdog.bit else answer

    def _read(self, response: httpx.Response, most_bytes: int) -> Answer | Trouble:
        packing = response.headers.get("content-encoding", "").strip().lower()
        if packing not in _PACKINGS:
            return Trouble("garbled", faults.unknown_packing(self.url))
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > most_bytes:
                return Trouble("garbled", faults.too_large(self.url, most_bytes))
        headers = {name.lower(): value for name, value in response.headers.items()}
        if response.status_code == 200:
            return Answer(200, headers, bytes(body))
        # This may be shown to somebody, and there are servers that repeat what they got.
        said = self._hidden(body.decode("utf-8", errors="replace")).encode()
        headers = {name: self._hidden(value) for name, value in headers.items()}
        return Answer(response.status_code, headers, said)

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _explained(self, error: httpx.HTTPError, path: str) -> Trouble:
        connecting = isinstance(error, httpx.ConnectError)
        cause = faults.root_cause(error)
        tls = faults.tls(self.url, cause, connecting=connecting)
        if tls is not None:
            return Trouble("impossible", tls)
        if connecting:
            hopeless = isinstance(cause, socket.gaierror) and cause.errno != socket.EAI_AGAIN
            kind: Literal["impossible", "unreachable"] = "impossible" if hopeless else "unreachable"
            return Trouble(kind, faults.unreachable(self.url, cause))
        if isinstance(error, httpx.NetworkError) or faults.broke_off(error):
            return Trouble("lost", faults.lost(self.url, path))
        return Trouble("garbled", faults.no_http(self.url))


def _secrets(credentials: Credentials) -> tuple[str, ...]:
    """What must never be shown, in each spelling in which it goes over the wire."""
    secrets = [credentials.password, credentials.token]
    if credentials.username:
        secrets.append(b64encode(f"{credentials.username}:{credentials.password}".encode()).decode())
    return tuple(secret for secret in secrets if secret)


class _Watchdog:
    """Cuts the connection in use when the time is over; whoever reads from it then wakes up."""

    def __init__(self) -> None:
        self.bit = False
        self.connected = False  # anew, for what is watched over
        self._socket: socket.socket | None = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hears from the client which connection is in use."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self.connected = True
            self._socket = info["return_value"].get_extra_info("socket")
            if self.bit:  # while there was nothing to cut yet
                raise httpx.ReadTimeout("the time is over")

    @contextmanager
    def after(self, seconds: float) -> Iterator[None]:
        """Watches over what is done meanwhile."""
        self.bit = self.connected = False
        timer = threading.Timer(seconds, self._bite)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _bite(self) -> None:
        self.bit = True
        if self._socket is not None:
            with suppress(OSError):
                # Not the method of a TLS socket: that one takes the encryption off first.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
