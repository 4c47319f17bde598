"""SIGHUP to a Prometheus on this host, which reloads on it whether its lifecycle API is on or off."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from rulecompiler.diagnostics import Diagnostic

_PROCESSES = Path("/proc")
_NAME = "prometheus"
_MOST_BYTES = 64


def hang_up(pid_file: str) -> Diagnostic | None:
    """Sends SIGHUP to the Prometheus whose process id stands in a file (RC823 if it cannot be).

    Most other programs end on that signal, so nothing is sent to a process that is not called
    prometheus, as far as this host can tell.
    """
    try:
        descriptor = os.open(pid_file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            text = file.read(_MOST_BYTES).decode("ascii", errors="replace").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no path"
        return _unusable(f"the PID file {pid_file} cannot be read: {reason}")
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 2**31):
        return _unusable(f"the PID file {pid_file} holds no process id")
    pid = int(text)
    names = _names(pid)
    if not names:
        return _unusable(f"the process {pid} in {pid_file} is not there")
    if not any(name == _NAME or name.startswith(f"{_NAME}-") for name in names):
        return _unusable(f"the process {pid} in {pid_file} is no Prometheus but {names[0]}")
    try:
        os.kill(pid, signal.SIGHUP)
    except OSError as error:
        return _unusable(f"the process {pid} in {pid_file} cannot be signalled: {error.strerror}")
    return None


def _names(pid: int) -> tuple[str, ...]:
    """What a process is called, by itself and by its program's file; nothing if it is not there."""
    found = []
    for what in ("comm", "cmdline"):
        try:
            text = (_PROCESSES / str(pid) / what).read_bytes()
        except OSError:
            continue
        name = text.split(b"\0")[0].decode("utf-8", errors="replace").strip().rpartition("/")[2]
        if name:
            found.append(name)
    return tuple(found)


def _unusable(message: str) -> Diagnostic:
    return Diagnostic(
        "RC823",
        message,
        help="set `pid_file` to the file that holds the server's process id, as seen from here, and run this "
        "as a user that may signal it; or start Prometheus with --web.enable-lifecycle",
    )
