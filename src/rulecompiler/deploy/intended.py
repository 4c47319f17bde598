"""What a server should say of its rules once it has loaded given files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rulecompiler import document
from rulecompiler.deploy.running import Kind, RunningGroup
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.document.scalars import WrittenFloat, WrittenInt
from rulecompiler.encoding import decode_text
from rulecompiler.promql.durations import LONGEST, milliseconds


class IntendedRule(NamedTuple):
    """A rule as its file states it; `labels` are those of its group and its own."""

    kind: Kind
    name: str
    expr: str
    for_seconds: float
    keep_firing_seconds: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class IntendedGroup(NamedTuple):
    """A group of rules as its file states it.

    `interval_seconds` is None where the file leaves it to the server's `evaluation_interval`. What no
    server tells of a group (`query_offset`) is not here, and so never compared.
    """

    file: str
    name: str
    interval_seconds: float | None
    limit: int
    rules: tuple[IntendedRule, ...]


Reading = tuple[tuple[IntendedGroup, ...], tuple[Diagnostic, ...]]
"""Groups, and what is wrong with the files; a file with a fault gives no groups."""


def read_files(files: Mapping[str, bytes]) -> Reading:
    """The groups that a server should run with these files, by file name.

    Groups without rules are left out, as in `running.read_groups`. That a server would load the rest
    is promtool's to say: names, queries and templates are not judged.
    """
    groups: list[IntendedGroup] = []
    faults: list[Diagnostic] = []
    for name, data in sorted(files.items()):
        found, wrong = read_file(name, data)
        groups.extend(found)
        faults.extend(wrong)
    return tuple(groups), tuple(faults)


def read_file(name: str, data: bytes) -> Reading:
    """The same for one file."""
    source = decode_text(name, data)
    if isinstance(source, Diagnostic):
        return (), (source,)
    content, faults = document.parse(source)
    if content is None:
        return (), faults
    try:
        groups = tuple(_groups(name, content.data))
    except _Unreadable as fault:
        return (), (_not_a_rule_file(fault),)
    return tuple(group for group in groups if group.rules), ()


def as_intended(group: RunningGroup) -> IntendedGroup:
    """A running group as if a file had stated all of it, to compare what runs at two times."""
    rules = tuple(
        IntendedRule(
            rule.kind,
            rule.name,
            rule.query,
            rule.for_seconds,
            rule.keep_firing_seconds,
            rule.labels,
            rule.annotations,
        )
        for rule in group.rules
    )
    return IntendedGroup(group.file, group.name, group.interval_seconds, group.limit, rules)


class _Unreadable(Exception):
    """The file does not have the form of a rule file."""

    def __init__(self, place: Pointer, found: str) -> None:
        super().__init__(found)
        self.place = place
        self.found = found


def _not_a_rule_file(fault: _Unreadable) -> Diagnostic:
    return Diagnostic(
        "RC850",
        fault.found,
        fault.place,
        help=f"run `promtool check rules` on {fault.place.path}, or compile it anew",
    )


def _groups(file: str, data: Any) -> Iterator[IntendedGroup]:
    root = Pointer(file)
    seen: set[str] = set()
    for number, group in enumerate(_list(_mapping(data, root).get("groups"), root.at("groups"))):
        at = root.at("groups", number)
        _mapping(group, at)
        name = _text(group.get("name"), at.at("name"))
        if name in seen:
            raise _Unreadable(at.at("name"), f"the group name {name!r} stands twice in the file")
        seen.add(name)
        labels = _texts(group.get("labels"), at.at("labels"))
        interval = _seconds(group.get("interval"), at.at("interval"))
        rules = _list(group.get("rules"), at.at("rules"))
        yield IntendedGroup(
            file,
            name,
            interval or None,  # to a server, 0 is not stated
            _limit(group.get("limit"), at.at("limit")),
            tuple(_rule(rule, labels, at.at("rules", index)) for index, rule in enumerate(rules)),
        )


def _rule(data: Any, group_labels: Mapping[str, str], at: Pointer) -> IntendedRule:
    _mapping(data, at)
    kind: Kind = "alert" if data.get("alert") is not None else "record"
    # A rule's own label wins, even an empty one. Source: prometheus/prometheus, rules/manager.go, LoadGroups.
    labels = {**group_labels, **_texts(data.get("labels"), at.at("labels"))}
    return IntendedRule(
        kind,
        _text(data.get(kind), at.at(kind)),
        _text(data.get("expr"), at.at("expr")),
        _seconds(data.get("for"), at.at("for")),
        _seconds(data.get("keep_firing_for"), at.at("keep_firing_for")),
        labels,
        _texts(data.get("annotations"), at.at("annotations")),
    )


def _mapping(value: Any, at: Pointer) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable(at, "a mapping should stand here")
    return value


def _list(value: Any, at: Pointer) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _Unreadable(at, "a list should stand here")
    return value


def _texts(value: Any, at: Pointer) -> dict[str, str]:
    if value is None:
        return {}
    # A server reads null as the empty text here.
    return {
        name: "" if text is None else _text(text, at.at(name)) for name, text in _mapping(value, at).items()
    }


def _text(value: Any, at: Pointer) -> str:
    """A scalar as a server reads it where it wants text: as it is written, whatever YAML calls it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    if isinstance(value, int | float):
        return str(value)
    raise _Unreadable(at, "a text should stand here")


def _seconds(value: Any, at: Pointer) -> float:
    if value is None:
        return 0.0
    text = _text(value, at)
    length = 0 if text == "0" else milliseconds(text)
    if length is None or length > LONGEST:
        raise _Unreadable(at, f"{text[:40]!r} is not a duration")
    return length / 1000


def _limit(value: Any, at: Pointer) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Unreadable(at, "a whole number should stand here")
    return int(value)
