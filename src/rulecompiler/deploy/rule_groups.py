"""Rule groups as data: read from rule files and from rulers, and compared by what they mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rulecompiler import document
from rulecompiler.deploy import faults
from rulecompiler.deploy.intended import read_file
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Source
from rulecompiler.promql.durations import milliseconds

_DURATIONS = frozenset(("interval", "query_offset", "evaluation_delay", "for", "keep_firing_for"))
_EMPTY: tuple[object, ...] = ("", 0, None, False, [], {})


class Group(NamedTuple):
    """A rule group: `fields` as a rule file has them, scalars of Prometheus' texts as text."""

    file: str  # the file, or the ruler's namespace, that it was read from
    name: str
    fields: Mapping[str, Any]

    @property
    def rules(self) -> list[Mapping[str, Any]]:
        """The rules in the order in which they are evaluated."""
        rules: list[Mapping[str, Any]] = self.fields["rules"]
        return rules

    def part(self, name: str, rules: Iterable[Mapping[str, Any]]) -> Group:
        """The same group under another name, with just these rules."""
        return Group(self.file, name, {**self.fields, "name": name, "rules": list(rules)})


def read_groups(files: Mapping[str, bytes]) -> tuple[tuple[Group, ...], tuple[Diagnostic, ...]]:
    """The groups of rule files in their order; groups without rules, which nothing evaluates, left out.

    A file that is none gives the diagnostics of `intended.read_file`.
    """
    groups: list[Group] = []
    problems: list[Diagnostic] = []
    for name, data in sorted(files.items()):
        _, wrong = read_file(name, data)
        problems += wrong
        if not wrong:
            parsed, _ = document.parse(Source(name, data.decode()))
            assert parsed is not None, "it was read once already"
            groups += groups_of(name, parsed.data.get("groups") or []) or ()
    return tuple(groups), tuple(problems)


def too_large(groups: Iterable[Group], target: Target) -> list[Diagnostic]:
    """The groups with more rules than the target allows (RC872)."""
    return [
        faults.too_many_rules(group.file, group.name, len(group.rules), target)
        for group in groups
        if len(group.rules) > target.max_rules_per_group
    ]


def read_namespaces(text: str) -> Mapping[str, tuple[Group, ...]] | None:
    """The groups by namespace in a ruler's answer; None where it is no such answer."""
    parsed, _ = document.parse(Source("answer", text))
    if parsed is None or not isinstance(parsed.data, dict):
        return None
    namespaces = {}
    for name, data in parsed.data.items():
        groups = groups_of(name, data)
        if groups is None:
            return None
        namespaces[name] = groups
    return namespaces


def groups_of(file: str, data: object) -> tuple[Group, ...] | None:
    """The groups in a file's `groups`; None where these are not groups."""
    if not isinstance(data, list):
        return None
    groups: list[Group] = []
    for entry in data:
        rules = entry.get("rules") or [] if isinstance(entry, dict) else None
        if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
            return None
        fields = {key: _plain(key, value) for key, value in entry.items()}
        fields["rules"] = [{key: _plain(key, value) for key, value in rule.items()} for rule in rules]
        groups.append(Group(file, fields.setdefault("name", ""), fields))
    return tuple(group for group in groups if group.rules)


def differences(left: Group, right: Group, same: Callable[[str, str], bool]) -> Iterator[str]:
    """In which fields two groups differ, in words; nothing where they mean the same.

    `same` says whether two queries do. Empty fields are as good as missing ones, and a duration
    may be written in any way.
    """
    yield from _different_fields("", _meaning(left.fields, "rules"), _meaning(right.fields, "rules"))
    if len(left.rules) != len(right.rules):
        yield f"{len(left.rules)} rules against {len(right.rules)}"
        return
    for number, (mine, other) in enumerate(zip(left.rules, right.rules, strict=True), 1):
        where = f"rule {number} ({mine.get('alert') or mine.get('record')}): "
        yield from _different_fields(where, _meaning(mine, "expr"), _meaning(other, "expr"))
        queries = str(mine.get("expr", "")).strip(), str(other.get("expr", "")).strip()
        if queries[0] != queries[1] and not same(*queries):
            yield f"{where}expr"


def moved_alerts(before: Iterable[Group], after: Iterable[Group]) -> list[str]:
    """Alerts that stay by name, but not by file, group and labels: a server takes them for others."""
    old, new = _alert_keys(before), _alert_keys(after)
    names = {name for _, _, name, _ in new}
    return sorted({name for _, _, name, _ in old - new if name in names})


def _alert_keys(groups: Iterable[Group]) -> set[tuple[str, str, str, frozenset[tuple[str, str]]]]:
    return {
        (group.file, group.name, rule["alert"], frozenset((rule.get("labels") or {}).items()))
        for group in groups
        for rule in group.rules
        if rule.get("alert")
    }


def _different_fields(where: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(left.keys() | right.keys()):
        if left.get(key) != right.get(key):
            yield f"{where}{key}"


def _meaning(fields: Mapping[str, Any], without: str) -> dict[str, Any]:
    found = {key: _length(value) if key in _DURATIONS else value for key, value in fields.items()}
    return {key: value for key, value in found.items() if value not in _EMPTY and key != without}


def _length(text: object) -> object:
    length = milliseconds(str(text)) if text else 0
    return (0 if text == "0" else text) if length is None else length


def _plain(key: str, value: Any) -> Any:
    """What Prometheus makes of a value: text, but for lists and the few numbers and switches."""
    if isinstance(value, dict):
        return {name: _plain("", inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain("", inner) for inner in value]
    if key == "limit" or isinstance(value, bool):
        return value
    if value is None:
        return ""
    return str(getattr(value, "text", value))
