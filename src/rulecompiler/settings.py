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
_SECONDS = (3600.0, 60.0, 1.0, 0.001)
_DURATION = re.compile(r"(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?(?:([0-9]{1,6})ms)?")


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
    metrics_directory: str = ""  # of node_exporter's textfile collector; empty: none
    metrics_push_url: str = ""  # of a Pushgateway; empty: none


def read(document: Document) -> tuple[Settings | None, tuple[Diagnostic, ...]]:
    """What the settings file says; None if a fault was found."""
    from rulecompiler import schema

    faults = list(schema.validate("settings", document))
    if faults:
        return None, tuple(faults)
    settings = _from_file(document.data or {})
    faults.extend(_overlaps(settings, document))
    faults.extend(_bad_push_url(settings, document))
    return (None if faults else settings), tuple(faults)


def overridden(settings: Settings, environ: Mapping[str, str]) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """The settings with what the environment overrides, and its faults (RC215)."""
    faults: list[Diagnostic] = []
    return _from_environment(settings, environ, faults), tuple(faults)


def seconds(duration: str) -> float | None:
    """The length of a duration such as `1h30m`; None if it is none."""
    match = _DURATION.fullmatch(duration)
    if match is None or not duration:
        return None
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _SECONDS, strict=True))


def switch(value: str) -> bool | None:
    """Whether an environment variable says yes or no; None if neither."""
    plain = value.strip().casefold()
    return True if plain in _TRUE else False if plain in _FALSE else None


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
        values["timeout"] = seconds(prometheus["timeout"])
    metrics = data.get("metrics") or {}
    values["metrics_directory"] = metrics.get("textfile_directory", "")
    values["metrics_push_url"] = metrics.get("push_url", "")
    return Settings(**values)


def why_not_url(url: str) -> str:
    """What is wrong with the URL of a server, without repeating any of it; empty if nothing is."""
    from urllib.parse import urlsplit  # only for who has a URL

    if re.search(r"[\x00-\x20\x7f]", url):
        return "holds a blank or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is none"
    if parts.scheme not in ("http", "https"):
        return "does not start with http:// or https://"
    if not parts.hostname or port == 0:
        return "names no server"
    if "?" in url or "#" in url:
        return "has a query or a fragment"
    return "holds credentials" if "@" in parts.netloc else ""


def _bad_push_url(settings: Settings, document: Document) -> list[Diagnostic]:
    reason = why_not_url(settings.metrics_push_url) if settings.metrics_push_url else ""
    if not reason:
        return []
    help_ = "write it as http://pushgateway:9091"
    if reason == "holds credentials":
        help_ = "give it as RULECOMPILER_PUSH_URL; if git has seen the password, change it"
    at = Pointer(document.path, ("metrics", "push_url"))
    return [Diagnostic("RC892", f"the URL in `push_url` {reason}", at, help=help_)]


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
    validate = environ.get("PROMETHEUS_VALIDATE_RULES", "").strip()
    wanted = switch(validate)
    if wanted is not None:
        settings = replace(settings, validate_rules=wanted)
    elif validate:
        faults.append(
            Diagnostic(
                "RC215",
                f"the variable PROMETHEUS_VALIDATE_RULES must be true or false, not {show(validate)}",
                help="set it to true or false, or unset it",
            )
        )
    return settings
