"""A deployment in a process of its own, in which a call to the disk or a request to the server goes wrong."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rulecompiler.deploy.flat_layout import FlatLayout
from rulecompiler.deploy.prometheus_target import PrometheusTarget
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.release_layout import ReleaseLayout
from rulecompiler.deploy.target import Consent
from tests.deploy.disk_world import DiskWorld
from tests.deploy.proxies import (
    REJECTED,
    Proxy,
    Reply,
    Request,
    after,
    answers,
    cut,
    cut_afterwards,
    proxy_to,
    silent,
)
from tests.deploy.proxies import passed_on as passed
from tests.deploy.world import codes

KILLED = -signal.SIGKILL
DiskFault = Literal["killed", "fails once", "fails from there on"]
_RULES = "/api/v1/rules"
_WHO = ("rulecompiler.deploy.disk", "rulecompiler.deploy.journal")
_READING = ("open", "close")  # which a broken disk still does
_CALLS = (*_READING, "write", "fsync", "rename", "mkdir", "symlink", "unlink", "rmdir")


class Ended(NamedTuple):
    """How a run ended: its exit code, all codes of what it found, and of the disk calls that it made."""

    code: int
    found: frozenset[str] = frozenset()
    calls: int = 0
    switched: int = 0  # calls before the first switch began; 0 if none did
    committing: int = 0  # calls before the commit, or the way back, began
    second: int | None = None  # the exit code of another deployer that came in the middle


class DiskCall(NamedTuple):
    """What happens at which call to the disk, counted from 1."""

    fault: DiskFault
    at: int


def _told_and_refused(request: Request) -> Reply | None:
    """The server loads the files, and somebody in between says that it did not."""
    request.forward()
    return Reply(500, REJECTED.encode())


def _dies(request: Request) -> Reply | None:
    """The server dies of it."""
    os.kill(int(os.environ["SERVER_PID"]), signal.SIGKILL)
    return None


# What becomes of the first, second … request to reload; the first one loads what is there already.
RELOADS: Mapping[str, Sequence[Callable[[Request], Reply | None]]] = {
    "rejected": [passed, answers(500, REJECTED)],
    "rejected at once": [answers(500, REJECTED)],
    "rejected twice": [passed, answers(500, REJECTED), answers(500, REJECTED)],
    "rejected though told": [passed, _told_and_refused],
    "rejected twice though told": [passed, _told_and_refused, _told_and_refused],
    "cut": [passed, cut, cut],
    "cut for good": [passed, *[cut] * 9],
    "cut afterwards": [passed, cut_afterwards],
    "cut afterwards for good": [passed, *[cut_afterwards] * 9],
    "not told, and 200": [passed, answers(200)],
    "never told, and 200": [*[answers(200)] * 9],
    "no longer told, and 200": [passed, *[answers(200)] * 9],
    "forbidden": [passed, answers(403, "Lifecycle API is not enabled.")],
    "silent": [passed, silent(2.0), silent(2.0)],
    "dies": [passed, _dies],
    "dies of the first": [_dies],
}
DEADLY = frozenset(("dies", "dies of the first"))
SLOW = DEADLY | {"silent"}  # several seconds


def run(
    w: DiskWorld,
    wanted: Release,
    consent: Consent,
    *,
    reloads: str = "",
    blind: tuple[int, int] | None = None,
    disk: DiskCall | None = None,
    second: Release | None = None,
    **changes: Any,
) -> Ended:
    """Deploys in a child of this process.

    `blind`: from which request for the rules on how many get no answer. `second`: what another deployer
    wants who comes while the server is about to reload. `changes` are of the target's settings.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # of threads: the child uses none of this process'
        child = os.fork()
    if child == 0:
        said: dict[str, Any] = {}
        try:
            os.close(reading)
            said = _deploy(w, wanted, consent, reloads, blind, disk, second, changes)
        except BaseException:
            said = {"error": traceback.format_exc()}
        finally:
            _REAL["write"](writing, json.dumps(said).encode())
            os._exit(said.get("code", 99))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = json.loads(pipe.read() or b"{}")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert "error" not in said, said["error"]
    if code == KILLED:
        return Ended(code)
    made, switched, committing = said["calls"]
    return Ended(code, frozenset(said["found"]), made, switched, committing, said["second"])


_REAL = {name: getattr(os, name) for name in _CALLS}


def _deploy(
    w: DiskWorld,
    wanted: Release,
    consent: Consent,
    reloads: str,
    blind: tuple[int, int] | None,
    disk: DiskCall | None,
    second: Release | None,
    changes: Mapping[str, Any],
) -> dict[str, Any]:
    os.environ["SERVER_PID"] = str(w.server.process.pid)
    with proxy_to(w.server) as proxy:
        others: list[int] = []
        behaviours = list(RELOADS.get(reloads, ()))
        if second is not None:
            first, *rest = behaviours or [passed]
            theirs = second

            def meanwhile() -> None:
                others.append(w.deploy(theirs, consent).exit_code)

            behaviours = [after(meanwhile, first), *rest]
        proxy.on_reloads(*behaviours)
        _blind(proxy, blind)
        counted = _Counted(disk)
        result = w.deploy(wanted, consent, url=proxy.url, **changes)
        counted.disk = None
        proxy.over.set()
    return {
        "code": int(result.exit_code),
        "found": sorted(codes(result)),
        "calls": [counted.made, counted.switched, counted.committing],
        "second": others[0] if others else None,
    }


def _blind(proxy: Proxy, blind: tuple[int, int] | None) -> None:
    asked = 0

    def rules(request: Request) -> Reply | None:
        nonlocal asked
        asked += 1
        unseen = blind is not None and blind[0] <= asked < sum(blind)
        return Reply(500, b"no") if unseen else passed(request)

    proxy.on(_RULES, rules)


class _Counted:
    """The calls of the deployer to the disk from now on."""

    def __init__(self, disk: DiskCall | None) -> None:
        self.disk = disk
        self.made = 0
        self.switched = 0
        self.committing = 0
        for name in _CALLS:
            setattr(os, name, self._counted(name))
        for layout in (ReleaseLayout, FlatLayout):
            self._mark(layout, "switch", "switched")
        for end in ("commit", "revert"):
            self._mark(PrometheusTarget, end, "committing")

    def _mark(self, owner: Any, method: str, mark: str) -> None:
        real = getattr(owner, method)

        def call(*arguments: Any) -> Any:
            if not getattr(self, mark):
                setattr(self, mark, self.made)
            return real(*arguments)

        setattr(owner, method, call)

    def _counted(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if sys._getframe(1).f_globals["__name__"] in _WHO:
                self.made += 1
                self._spoil(name)
            return _REAL[name](*arguments, **named)

        return call

    def _spoil(self, name: str) -> None:
        if self.disk is None or self.made < self.disk.at:
            return
        if self.disk.fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif self.disk.at == self.made or (self.disk.fault == "fails from there on" and name not in _READING):
            raise OSError(errno.EIO, "Input/output error")
