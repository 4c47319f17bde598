"""Rule files as Kubernetes manifests: PrometheusRule objects of the Prometheus Operator, or ConfigMaps.

Sources: the PrometheusRule reference of the Prometheus Operator (docs/api-reference), and Kubernetes'
concepts/overview/working-with-objects/names and concepts/configuration/configmap.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rulecompiler import document
from rulecompiler.deploy import manifest_faults
from rulecompiler.deploy.manifest_text import config_map, prometheus_rule
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.rule_groups import Group, groups_of, read_groups, too_large
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.generated_file import file_name
from rulecompiler.model import Source

MAX_BYTES = 900 * 1024
"""Of one object. etcd takes requests of 1.5 MiB, and a ConfigMap 1 MiB of data; the rest is for what a
cluster adds: who manages which field, and the annotations of other tools."""

_PREFIX = "rulecompiler-"
_LONGEST_SLUG = 200  # an object's name has at most 253 characters


class Manifests(NamedTuple):
    """Texts by file name, without a folder, and what is to say about them."""

    files: Mapping[str, str]
    diagnostics: tuple[Diagnostic, ...]


def manifests(release: Release, target: Target, max_bytes: int = MAX_BYTES) -> Manifests:
    """The target's manifests of a release, each of an object below `max_bytes` (RC850, RC872, RC887).

    The same release gives the same texts, and a file of the release changes just the manifests that it
    is in.
    """
    groups, problems = read_groups(release.files)
    problems = (*problems, *too_large(groups, target))
    if problems:
        return Manifests({}, problems)
    if target.kind == "configmap":
        return _config_maps(release, target, max_bytes)
    return _prometheus_rules(groups, target, max_bytes)


def groups_in(text: str) -> tuple[Group, ...]:
    """The groups of a manifest, `file` being what their alerts' state hangs on; none where it is damaged."""
    parsed, _ = document.parse(Source("manifest", text))
    content: Any = parsed.data if parsed else None
    try:
        if content["kind"] == "PrometheusRule":
            return groups_of(content["metadata"]["name"], content["spec"]["groups"]) or ()
        files = {name: data.encode() for name, data in content["data"].items()}
    except (KeyError, TypeError, AttributeError):
        return ()
    return read_groups(files)[0]


# --- PrometheusRule ---------------------------------------------------------


def _prometheus_rules(groups: Iterable[Group], target: Target, max_bytes: int) -> Manifests:
    by_file: dict[str, list[Group]] = {}
    for group in groups:
        by_file.setdefault(group.file, []).append(group)
    files: dict[str, str] = {}
    problems: list[Diagnostic] = []
    for file, members in by_file.items():
        pieces = list(_pieces(members, max_bytes, problems))
        for number, piece in enumerate(_objects(pieces, max_bytes), 1):
            # No group id holds a full stop, so that no other group's object has this name.
            name = _object_name(file) + (f".{number}" if number > 1 else "")
            files[f"{name}.yaml"] = prometheus_rule(name, target, file, [group.fields for group in piece])
    return Manifests(files, tuple(problems))


def _pieces(groups: list[Group], max_bytes: int, problems: list[Diagnostic]) -> Iterator[Group]:
    """The groups, those cut that no object can hold."""
    names = {group.name for group in groups}
    for group in groups:
        if _size(group.fields) <= max_bytes:
            yield group
            continue
        heaviest = max(group.rules, key=_size)
        if _size(group.part(group.name, [heaviest]).fields) > max_bytes:
            problems.append(manifest_faults.rule_too_large(group, heaviest, max_bytes))
            continue
        parts = list(_rules(group, max_bytes))
        problems.append(manifest_faults.cut(group, len(parts)))
        for number, rules in enumerate(parts, 1):
            name = group.name if number == 1 else _free(f"{group.name}_part{number}", names)
            yield group.part(name, rules)


def _rules(group: Group, max_bytes: int) -> Iterator[list[Mapping[str, Any]]]:
    empty = _size(group.part(group.name, []).fields) + len("_part99999")
    part: list[Mapping[str, Any]] = []
    total = empty
    for rule in group.rules:
        size = _size(rule) + 1
        if part and total + size > max_bytes:
            yield part
            part, total = [], empty
        part.append(rule)
        total += size
    yield part


def _objects(groups: Iterable[Group], max_bytes: int) -> Iterator[list[Group]]:
    """The groups in their order, as many to an object as it holds."""
    members: list[Group] = []
    total = 0
    for group in groups:
        size = _size(group.fields) + 1
        if members and total + size > max_bytes:
            yield members
            members, total = [], 0
        members.append(group)
        total += size
    yield members


def _size(data: Any) -> int:
    """The bytes of data as Kubernetes stores it at worst: as JSON with every escape that there is."""
    text = json.dumps(data, separators=(",", ":"))
    return len(text) + 5 * sum(map(text.count, "<>&"))


def _free(name: str, names: set[str]) -> str:
    while name in names:
        name += "_"
    names.add(name)
    return name


# --- ConfigMap --------------------------------------------------------------


def _config_maps(release: Release, target: Target, max_bytes: int) -> Manifests:
    texts = {name: data.decode() for name, data in sorted(release.files.items())}
    heavy = [name for name, text in texts.items() if _size(text) > max_bytes]
    if heavy:
        return Manifests({}, tuple(manifest_faults.file_too_large(name, max_bytes) for name in heavy))
    maps = _dealt(texts, max_bytes)
    files = {}
    for number, members in sorted(maps.items()):
        name = f"{_PREFIX}{_slug(target.name)}-{number}"
        files[f"{name}.yaml"] = config_map(name, target, members)
    return Manifests(files, ())


def _dealt(texts: Mapping[str, str], max_bytes: int) -> Mapping[int, Mapping[str, str]]:
    """The files by the number of their map; each of them alone must fit.

    A file's name alone chooses among the maps, and only when one overflows are there more: moving from
    map to map as others grow, a file would be missing for a moment, and its alerts would start over.
    """
    count = 1
    while True:
        maps: dict[int, dict[str, str]] = {}
        for name, text in texts.items():
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") % count
            maps.setdefault(number, {})[name] = text
        if all(_size(members) <= max_bytes for members in maps.values()):
            return maps
        count *= 2


# --- names ------------------------------------------------------------------


def _object_name(file: str) -> str:
    stem = file.removesuffix(".yml")
    group_id = stem.removeprefix(file_name("").removesuffix(".yml"))
    return _PREFIX + _slug(group_id)


def _slug(text: str) -> str:
    """The text where it can be part of an object's name, otherwise one like it that no other text has."""
    slug = re.sub(r"[^a-z0-9-]+", "-", text.lower())[:_LONGEST_SLUG].strip("-")
    if slug == text:
        return slug
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
