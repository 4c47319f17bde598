"""What the last good compile found out, so that the next one does only what changed.

JSON in `.rulecompiler/`, keyed by content and by the compiler itself, under a digest that any damage
breaks. Losing or corrupting it costs time only; forging it fools nobody, as `check` never reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from rulecompiler import __version__, state_folder
from rulecompiler.diagnostics import Diagnostic, Place, Pointer, Related, Severity, Span
from rulecompiler.inputs import SettingsFile
from rulecompiler.model import Facts
from rulecompiler.settings import Settings

_FILE = "cache.json"


class CachedFile(NamedTuple):
    """A source file of the last good compile: its digest, what others need of it, its warnings."""

    digest: str
    header: dict[str, Any]
    warnings: tuple[Diagnostic, ...] = ()


class CachedGroup(NamedTuple):
    """A group of the last good compile: the key of its inputs, and what came of them.

    `output` is the digest of its file, empty where it has none.
    """

    key: str
    output: str
    rule_count: int
    facts: Facts
    warnings: tuple[Diagnostic, ...] = ()


class Cache(NamedTuple):
    """All that is remembered; `run` is the key of all inputs together."""

    run: str = ""
    settings: SettingsFile | None = None
    files: Mapping[str, CachedFile] = MappingProxyType({})
    groups: Mapping[str, CachedGroup] = MappingProxyType({})
    warnings: tuple[Diagnostic, ...] = ()


def load(root: Path) -> Cache:
    """The remembered compile; an empty one where there is none that this compiler can use."""
    try:
        seal, _, body = state_folder.read(root, _FILE).partition(b"\n")
        if seal != _seal(body):
            return Cache()
        data = json.loads(body)
        return Cache(
            str(data["run"]),
            _settings(data["settings"]),
            {path: _file(raw) for path, raw in data["files"].items()},
            {group: _group(raw) for group, raw in data["groups"].items()},
            tuple(_diagnostic(raw) for raw in data["warnings"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        # Whatever is wrong with it, compiling anew is right.
        return Cache()


def save(root: Path, cache: Cache) -> None:
    """Remembers a good compile; failing to is no fault."""
    data = {
        "run": cache.run,
        "settings": None
        if cache.settings is None
        else [cache.settings.digest, asdict(cache.settings.settings)],
        "files": {p: [f.digest, f.header, _raw(f.warnings)] for p, f in cache.files.items()},
        "groups": {
            g: [c.key, c.output, c.rule_count, list(c.facts), _raw(c.warnings)]
            for g, c in cache.groups.items()
        },
        "warnings": _raw(cache.warnings),
    }
    body = json.dumps(data, separators=(",", ":")).encode()
    with contextlib.suppress(OSError):
        state_folder.replace(root, _FILE, _seal(body) + b"\n" + body)


def compiler_key() -> str:
    """Changes with the compiler: its version, its files' sizes and times, and Python's version."""
    package = Path(__file__).parent
    parts = [__version__, sys.version]
    schemas = package.parents[1] / "schemas"  # of a source checkout; the wheel has them in the package
    for folder, _, names in sorted([*os.walk(package), *os.walk(schemas)]):
        for name in sorted(names):
            if name.endswith((".py", ".json")):
                status = os.stat(os.path.join(folder, name))
                parts.append(f"{name} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _seal(body: bytes) -> bytes:
    """What only this compiler writes above exactly this content."""
    return hashlib.sha256(compiler_key().encode() + body).hexdigest().encode()


def _raw(diagnostics: tuple[Diagnostic, ...]) -> list[dict[str, Any]]:
    return [asdict(d) | {"place": _raw_place(d.place), "related": _raw_related(d)} for d in diagnostics]


def _raw_related(diagnostic: Diagnostic) -> list[list[Any]]:
    return [[_raw_place(r.place), r.text] for r in diagnostic.related]


def _raw_place(place: Place | None) -> list[Any] | None:
    if place is None:
        return None
    return ["span" if isinstance(place, Span) else "pointer", *place]


def _place(raw: list[Any]) -> Place:
    kind, path, *rest = raw
    if kind == "span":
        return Span(path, *rest)
    keys, on_key, start, end = rest
    return Pointer(path, tuple(keys), on_key, start, end)


def _diagnostic(raw: dict[str, Any]) -> Diagnostic:
    return Diagnostic(
        raw["code"],
        raw["message"],
        None if raw["place"] is None else _place(raw["place"]),
        raw["label"],
        raw["help"],
        Severity(raw["severity"]),
        tuple(Related(_place(place), text) for place, text in raw["related"]),
    )


def _settings(raw: list[Any] | None) -> SettingsFile | None:
    if raw is None:
        return None
    digest, values = raw
    version = tuple(values.pop("prometheus_version"))
    return SettingsFile(str(digest), Settings(**values, prometheus_version=version))


def _file(raw: list[Any]) -> CachedFile:
    digest, header, warnings = raw
    return CachedFile(str(digest), dict(header), tuple(_diagnostic(w) for w in warnings))


def _group(raw: list[Any]) -> CachedGroup:
    key, output, rule_count, facts, warnings = raw
    return CachedGroup(
        str(key),
        str(output),
        int(rule_count),
        Facts(*(tuple(part) for part in facts)),
        tuple(_diagnostic(w) for w in warnings),
    )
