"""What a deployer leaves for the next one: what is under way, what was deployed so far, and the lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rulecompiler.deploy import disk_faults
from rulecompiler.deploy.disk import Folder
from rulecompiler.deploy.layout import STAGE, STATE
from rulecompiler.deploy.release import is_release_id
from rulecompiler.diagnostics import Diagnostic

_JOURNAL = "journal.json"
_STATE = "state.json"
_LOCK = "lock"
_FORMAT = 1


class Journal(NamedTuple):
    """A change that has begun and is not known to have ended. None stands for no release at all."""

    old: str | None
    new: str | None
    direction: Literal["forward", "back"]


class Deployment(NamedTuple):
    """A release that was deployed; `at` is text for people, in RFC 3339."""

    release: str
    at: str
    commit: str


class State(NamedTuple):
    """What was deployed last and before, newest first, and what was proven of it.

    `proofs` belong to whoever verifies: they are kept as given.
    """

    live: str | None
    history: tuple[Deployment, ...]
    proofs: Mapping[str, str]


def read_journal(folder: Path) -> Journal | Diagnostic | None:
    """What is under way in a rules folder; None if nothing is (RC843, RC846)."""
    data = _read(folder, _JOURNAL)
    if data is None or isinstance(data, Diagnostic):
        return data
    try:
        old, new, direction = _release(data["old"]), _release(data["new"]), data["direction"]
        if data["format"] != _FORMAT or direction not in ("forward", "back"):
            raise ValueError
    except (KeyError, TypeError, ValueError):
        return _damaged(folder, _JOURNAL)
    return Journal(old, new, direction)


def write_journal(folder: Path, journal: Journal) -> Diagnostic | None:
    """Writes down what begins; it is on the disk when this returns (RC847)."""
    return _write(folder, _JOURNAL, journal._asdict())


def clear_journal(folder: Path) -> Diagnostic | None:
    """Says that nothing is under way (RC847)."""
    try:
        with Folder.at(folder) as root, root.enter(STATE) as state:
            if state.kind(_JOURNAL) is not None:
                state.remove(_JOURNAL)
                state.sync()
    except FileNotFoundError:
        return None
    except OSError as error:
        return disk_faults.not_recorded(_path(folder, _JOURNAL), folder, error)
    return None


def read_state(folder: Path) -> State | Diagnostic:
    """What was deployed to a rules folder so far (RC843, RC846)."""
    data = _read(folder, _STATE)
    if isinstance(data, Diagnostic):
        return data
    if data is None:
        return State(None, (), {})
    try:
        history = tuple(Deployment(*map(_text, entry)) for entry in data["history"])
        proofs = {_text(key): _text(value) for key, value in data["proofs"].items()}
        state = State(_release(data["live"]), history, proofs)
        if data["format"] != _FORMAT or not all(is_release_id(entry.release) for entry in history):
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        return _damaged(folder, _STATE)
    return state


def write_state(folder: Path, state: State) -> Diagnostic | None:
    """Writes down what was deployed; nothing where just that is written already (RC847)."""
    return _write(folder, _STATE, {**state._asdict(), "proofs": dict(sorted(state.proofs.items()))})


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[Diagnostic | None]:
    """Keeps other deployers out of a prepared rules folder, or says at once that one is there (RC844, RC845).

    It ends with the process, however that ends. Not every network file system tells other hosts.
    """
    try:
        descriptor = _lock_file(folder)
    except OSError as error:
        yield disk_faults.no_lock(folder, error)
        return
    try:
        yield _acquire(descriptor, folder)
    finally:
        with contextlib.suppress(OSError):  # nothing was written through it
            os.close(descriptor)


def _lock_file(folder: Path) -> int:
    with Folder.at(folder) as root, root.enter(STATE) as state:
        if state.kind(_LOCK) is None:
            with contextlib.suppress(FileExistsError):  # another one was faster
                state.create_all({_LOCK: b""})
        return state.descriptor_of(_LOCK)


def _acquire(descriptor: int, folder: Path) -> Diagnostic | None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return disk_faults.locked(folder)
    except OSError as error:
        return disk_faults.no_lock(folder, error)
    return None


def _read(folder: Path, name: str) -> Any | Diagnostic | None:
    try:
        with Folder.at(folder) as root, root.enter(STATE) as state:
            data = state.read(name)
    except FileNotFoundError:
        return None
    except OSError as error:
        return disk_faults.unreadable(folder, error)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return _damaged(folder, name)
    return found if isinstance(found, dict) else _damaged(folder, name)


def _write(folder: Path, name: str, content: Mapping[str, Any]) -> Diagnostic | None:
    data = (json.dumps({"format": _FORMAT, **content}, indent=1) + "\n").encode()
    try:
        with Folder.at(folder) as root, root.enter(STATE) as state, state.enter(STAGE) as stage:
            if state.kind(name) != "file" or state.read(name) != data:
                state.replace(name, data, stage)
    except OSError as error:
        return disk_faults.not_recorded(_path(folder, name), folder, error)
    return None


def _release(value: object) -> str | None:
    if value is None or (isinstance(value, str) and is_release_id(value)):
        return value
    raise ValueError


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError


def _path(folder: Path, name: str) -> str:
    return f"{folder}/{STATE}/{name}"


def _damaged(folder: Path, name: str) -> Diagnostic:
    if name == _JOURNAL:
        lost = "what an interrupted run was about to do is lost, and the next one goes by what it finds"
    else:
        lost = "the times and commits of earlier deployments are lost, the releases are not"
    return disk_faults.bad_record(_path(folder, name), f"move it away and deploy again: {lost}")
