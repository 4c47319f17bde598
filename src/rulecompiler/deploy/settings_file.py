"""What rulecompiler.yaml says of the places to deploy to, and where it says it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from rulecompiler.deploy.settings import Target, TargetKind
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Document
from rulecompiler.settings import seconds
from rulecompiler.words import one_of

_DURATIONS = frozenset({"reload_timeout", "ready_timeout", "evaluation_wait"})
_PATHS = frozenset({"path", "server_path", "pid_file"})
_OF_ANY = frozenset({"kind", "groups"})
_OF_SERVERS = _OF_ANY | {"url", "canary", "on_evaluation_error", "evaluation_wait", "max_rules_per_group"}
_OF_MANIFESTS = _OF_ANY | {"path", "namespace", "metadata_labels"}
KEYS: Mapping[TargetKind, frozenset[str]] = {
    "prometheus": _OF_SERVERS
    | {"path", "server_path", "layout", "reload", "reload_timeout", "ready_timeout", "pid_file", "keep"},
    "mimir": _OF_SERVERS | {"tenant", "namespace"},
    "prometheusrule": _OF_MANIFESTS,
    "configmap": _OF_MANIFESTS,
}
"""Which keys mean something to which kind of target."""


class Draft(NamedTuple):
    """A target that is not judged yet.

    `origins` has where each value comes from that is no default: a place in the file, or the name of an
    environment variable. `place` is the target itself; without one, nobody named the target.
    """

    target: Target
    place: Pointer | None = None
    origins: Mapping[str, Pointer | str] = MappingProxyType({})

    def says(self, key: str) -> str:
        """What a message calls the value of a key."""
        origin = self.origins.get(key)
        if isinstance(origin, str):
            return f"the variable {origin}"
        return f"`{key}`" if self.place is None else f"`{key}` of the target `{self.target.name}`"

    def at(self, key: str) -> Pointer | None:
        """Where the value of a key stands in the file: the target's place if it is a default."""
        origin = self.origins.get(key, self.place)
        return origin if isinstance(origin, Pointer) else None


def read_file(document: Document) -> tuple[tuple[Draft, ...], int | None, tuple[Diagnostic, ...]]:
    """The targets, the soak intervals if it says them, and the keys that do not fit their target (RC800)."""
    section = (document.data or {}).get("deploy") or {}
    at = Pointer(document.path, ("deploy",))
    common = {key: value for key, value in section.items() if key not in ("targets", "soak_intervals")}
    places = {key: at.at(key) for key in common}
    targets = section.get("targets")
    faults: list[Diagnostic] = []
    if targets is None:
        drafts = [Draft(_target(Target().name, common), None, places)]
    else:
        drafts = []
        for name, own in targets.items():
            here = at.at("targets", name)
            own = own or {}
            faults.extend(_misplaced(name, own, here))
            # What all targets have in common is no fault where this one has no use for it.
            used = {key: value for key, value in common.items() if key in KEYS[own.get("kind", "prometheus")]}
            origins = {key: places[key] for key in used} | {key: here.at(key) for key in own}
            drafts.append(Draft(_target(name, {**used, **own}), here.key(), origins))
    return tuple(drafts), section.get("soak_intervals"), tuple(faults)


def _misplaced(name: str, own: Mapping[str, Any], here: Pointer) -> list[Diagnostic]:
    kind: TargetKind = own.get("kind", "prometheus")
    faults = []
    for key in own:
        if key not in KEYS[kind]:
            kinds = [other for other, keys in KEYS.items() if key in keys]
            faults.append(
                Diagnostic(
                    "RC800",
                    f"the target `{name}` is of kind `{kind}`, which has no use for `{key}`",
                    here.at(key).key(),
                    help=f"remove it, or make the target's kind {one_of(kinds)}",
                )
            )
    return faults


def _target(name: str, said: Mapping[str, Any]) -> Target:
    values: dict[str, Any] = {"name": name}
    for key, value in said.items():
        if key == "groups":
            values["group_ids"] = tuple(value.get("ids", ()))
            values["group_labels"] = dict(value.get("labels", {}))
        elif key in _DURATIONS:
            values[key] = seconds(value)
        elif key in _PATHS:
            values[key] = str(PurePosixPath(value))
        elif key == "metadata_labels":
            values[key] = dict(value)
        else:
            values[key] = value
    return Target(**values)
