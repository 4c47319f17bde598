"""Servers on the loopback that answer as told: wrongly, slowly, in part, or not at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# What to do when a request has come; the connection ends after it.
Script = Callable[["Conversation"], None]


@dataclass
class Conversation:
    """One request and the way to answer it."""

    method: str
    path: str
    headers: Mapping[str, str]
    _socket: socket.socket
    over: threading.Event

    def send(self, data: bytes) -> None:
        with suppress(OSError):
            self._socket.sendall(data)

    def hang(self) -> None:
        """Until the test is over."""
        self.over.wait()

    def drip(self, data: bytes, every: float) -> None:
        for byte in data:
            if self.over.wait(every):
                return
            try:
                self._socket.sendall(bytes([byte]))
            except OSError:
                return


@dataclass
class Host:
    address: str
    requests: list[str] = field(default_factory=list)  # such as `POST /-/reload`
    headers: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.address}"


def answer(status: int, body: bytes | str = b"", headers: Mapping[str, str] | None = None) -> bytes:
    """A whole answer."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Something", f"Content-Length: {len(data)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def says(*answers: bytes) -> Script:
    """These, one a request, and the last one again and again."""
    left = list(answers)

    def script(conversation: Conversation) -> None:
        conversation.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def by_path(answers: Mapping[str, bytes], otherwise: bytes = answer(404, "404 page not found\n")) -> Script:
    """The answer by path, without its query."""
    return lambda conversation: conversation.send(answers.get(conversation.path.partition("?")[0], otherwise))


@contextmanager
def host(script: Script, family: socket.AddressFamily = socket.AF_INET) -> Iterator[Host]:
    """Run such a server; each connection ends after its first answer."""
    over = threading.Event()
    connections: list[threading.Thread] = []
    loopback = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    with socket.socket(family) as listener:
        listener.bind((loopback, 0))
        listener.listen()
        listener.settimeout(0.05)
        port = listener.getsockname()[1]
        made = Host(f"[{loopback}]:{port}" if ":" in loopback else f"{loopback}:{port}")

        def converse(connection: socket.socket) -> None:
            with connection:
                connection.settimeout(10)
                head = b""
                while b"\r\n\r\n" not in head:
                    try:
                        piece = connection.recv(4096)
                    except OSError:
                        return
                    if not piece:
                        return
                    head += piece
                first, *rest = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
                method, path, _ = first.split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in rest)}
                made.requests.append(f"{method} {path}")
                made.headers.append(headers)
                script(Conversation(method, path, headers, connection, over))

        def accept() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                thread = threading.Thread(target=converse, args=(connection,))
                thread.start()
                connections.append(thread)

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield made
        finally:
            over.set()
            acceptor.join()
            for thread in connections:
                thread.join()
