"""The settings of a repo: rulecompiler.yaml, then the environment, then nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import PurePosixPath
from typing import Any

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import AlertNames, Document
from rulecompiler.words import show

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_TAKEN = frozenset({".git", ".rulecompiler"})  # git may keep credentials in the one, the other is our state
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a repo may choose, with its defaults. Paths are relative to the repo's root."""

    templates: str = "alerts/templates"
    groups: str = "alerts/groups"
    generated: str = "generated"
    alert_names: AlertNames = "qualified"
    prometheus_version: tuple[int, int] = (2, 42)
    validate_rules: bool = False
    timeout: float = 120.0  # seconds that one run of promtool may take


def read(document: Document) -> tuple[Settings | None, tuple[Diagnostic, ...]]:
    """What the settings file says; None if a fault was found."""
    from rulecompiler import schema

    faults = list(schema.validate("settings", document))
    if faults:
        return None, tuple(faults)
    settings = _from_file(document.data or {})
    faults.extend(_overlaps(settings, document))
    return (None if faults else settings), tuple(faults)


def overridden(settings: Settings, environ: Mapping[str, str]) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """The settings with what the environment overrides, and its faults (RC215)."""
    faults: list[Diagnostic] = []
    return _from_environment(settings, environ, faults), tuple(faults)


def _from_file(data: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {
        key: str(PurePosixPath(path)) for key, path in (data.get("paths") or {}).items()
    }
    if "alert_names" in data:
        values["alert_names"] = data["alert_names"]
    prometheus = data.get("prometheus") or {}
    if "validate_rules" in prometheus:
        values["validate_rules"] = prometheus["validate_rules"]
    if "version" in prometheus:
        major, minor = prometheus["version"].split(".")[:2]
        values["prometheus_version"] = (int(major), int(minor))
    if "timeout" in prometheus:
        parts = re.findall(r"([0-9]+)([a-z]+)", prometheus["timeout"])
        values["timeout"] = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    return Settings(**values)


def _overlaps(settings: Settings, document: Document) -> list[Diagnostic]:
    """A folder that is, or lies in, another one, or in one that is git's or our own."""
    folders = {key: PurePosixPath(getattr(settings, key)) for key in ("templates", "groups", "generated")}
    written = (document.data or {}).get("paths") or {}
    at = Pointer(document.path, ("paths",))
    faults = []
    for key, folder in folders.items():
        taken = next((part for part in folder.parts if part.casefold() in _TAKEN), None)
        if taken is not None:
            faults.append(
                Diagnostic(
                    "RC214",
                    f"the folder `{key}` ({folder}) lies in `{taken}`",
                    at.at(key),
                    help="choose a folder that nobody else writes to",
                )
            )
    reported: set[frozenset[str]] = set()
    for inner, outer in permutations(folders, 2):
        pair = frozenset((inner, outer))
        if pair not in reported and folders[inner].is_relative_to(folders[outer]):
            reported.add(pair)
            same = folders[inner] == folders[outer]
            says = "is the same folder as" if same else "lies in"
            faults.append(
                Diagnostic(
                    "RC214",
                    f"the folder `{inner}` ({folders[inner]}) {says} `{outer}` ({folders[outer]})",
                    at.at(inner if inner in written else outer),
                    help="give templates, groups and generated files three separate folders",
                )
            )
    return faults


def _from_environment(settings: Settings, environ: Mapping[str, str], faults: list[Diagnostic]) -> Settings:
    """The settings with what the environment overrides; an empty variable overrides nothing."""
    validate = environ.get("PROMETHEUS_VALIDATE_RULES", "").strip().casefold()
    if validate in _TRUE or validate in _FALSE:
        settings = replace(settings, validate_rules=validate in _TRUE)
    elif validate:
        faults.append(
            Diagnostic(
                "RC215",
                f"the variable PROMETHEUS_VALIDATE_RULES must be true or false, not {show(validate)}",
                help="set it to true or false, or unset it",
            )
        )
    return settings
