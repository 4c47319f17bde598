"""A proxy in front of a real server that passes on what it gets, but for the reloads that a test spoils."""

from __future__ import annotations

import http.client
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests.servers import PATIENCE, Server

RELOAD = "/-/reload"
REJECTED = "failed to reload config: one or more errors occurred while applying the new configuration"


class Reply(NamedTuple):
    status: int
    body: bytes = b""
    kind: str = "text/plain; charset=utf-8"


class Request(NamedTuple):
    proxy: Proxy
    method: str
    path: str
    headers: Mapping[str, str]

    def forward(self) -> Reply | None:
        """What the real server answers; None if it does not."""
        kept = {name: value for name, value in self.headers.items() if name.lower() == "authorization"}
        connection = http.client.HTTPConnection(self.proxy.upstream, timeout=PATIENCE)
        try:
            connection.request(self.method, self.path, headers=kept)
            answer = connection.getresponse()
            kind = answer.headers.get("Content-Type", "text/plain")
            return Reply(answer.status, answer.read(), kind)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


# What becomes of one request; None cuts the connection.
Behaviour = Callable[[Request], Reply | None]


class Proxy:
    """One request to reload after the other meets the next behaviour; after the last one, `usual`."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream  # host and port
        self.address = ""
        self.reloads = 0  # requests that have come
        self.over = threading.Event()
        self.usual: Behaviour = passed_on
        self._behaviours: list[Behaviour] = []
        self._by_path: dict[str, Behaviour] = {}
        self._late: list[threading.Thread] = []

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def on_reloads(self, *behaviours: Behaviour) -> None:
        """From now on; what was planned before is forgotten, and the requests are counted anew."""
        self.reloads = 0
        self._behaviours = list(behaviours)

    def on(self, path: str, behaviour: Behaviour) -> None:
        self._by_path[path] = behaviour

    def later(self, do: Callable[[], object]) -> None:
        """In a thread that ends before the proxy does."""
        thread = threading.Thread(target=do)
        self._late.append(thread)
        thread.start()

    def answer(self, request: Request) -> Reply | None:
        path = request.path.partition("?")[0]
        if path != RELOAD:
            return self._by_path.get(path, passed_on)(request)
        self.reloads += 1
        return (self._behaviours.pop(0) if self._behaviours else self.usual)(request)

    def end(self) -> None:
        self.over.set()
        for thread in self._late:
            thread.join()


def passed_on(request: Request) -> Reply | None:
    return request.forward()


def answers(status: int, body: str = "") -> Behaviour:
    """Answers itself; the server hears nothing of it."""
    return lambda request: Reply(status, body.encode())


def cut(request: Request) -> Reply | None:
    """Breaks the connection off; the server hears nothing of it."""
    return None


def cut_afterwards(request: Request) -> Reply | None:
    """Passes it on, and breaks off instead of passing on the answer."""
    request.forward()
    return None


def after(do: Callable[[], object], then: Behaviour = passed_on) -> Behaviour:
    """Does something first."""

    def behaviour(request: Request) -> Reply | None:
        do()
        return then(request)

    return behaviour


def late(seconds: float) -> Behaviour:
    """Passes it on so many seconds later; whoever asked has given up by then, and gets no answer."""

    def behaviour(request: Request) -> Reply | None:
        def forward() -> None:
            request.proxy.over.wait(seconds)
            request.forward()

        request.proxy.later(forward)
        request.proxy.over.wait(seconds)
        return None

    return behaviour


def silent(seconds: float) -> Behaviour:
    """Neither passes it on nor answers."""

    def behaviour(request: Request) -> Reply | None:
        request.proxy.over.wait(seconds)
        return None

    return behaviour


def frozen(server: Server, seconds: float | None = None) -> Callable[[], object]:
    """Stops the server amid whatever it does, for so many seconds, or until somebody else wakes it up."""

    def freeze() -> None:
        server.signal(signal.SIGSTOP)
        # It stops a moment later, in which it could still serve what comes next.
        os.waitid(os.P_PID, server.process.pid, os.WSTOPPED | os.WNOWAIT)
        if seconds is not None:
            timer = threading.Timer(seconds, lambda: server.signal(signal.SIGCONT))
            timer.start()

    return freeze


@contextmanager
def proxy_to(server: Server) -> Iterator[Proxy]:
    """Run a proxy in front of this server."""
    proxy = Proxy(server.address)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE
        disable_nagle_algorithm = True  # or the body would wait 40 ms for the head's acknowledgement

        def _do(self) -> None:
            path = self.path
            reply = proxy.answer(Request(proxy, self.command, path, dict(self.headers.items())))
            if reply is None:
                self.close_connection = True
                return
            with suppress(OSError):
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.kind)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

        do_GET = _do
        do_POST = _do

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Host(ThreadingHTTPServer):
        daemon_threads = False  # closing waits for them, so that no socket outlives the test

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that has given up

    with Host(("127.0.0.1", 0), Handler) as host:
        proxy.address = f"127.0.0.1:{host.server_port}"
        thread = threading.Thread(target=host.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.end()
            host.shutdown()
            thread.join()
