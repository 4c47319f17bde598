"""Which entries of a unit test can share a promtool test file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Template


class Refused(Exception):
    """A test cannot be made into promtool's terms, and why; it never leaves `unittests.build`."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__()
        self.diagnostics = diagnostics


class Part(NamedTuple):
    """Entries that can share a file, as promtool compares all annotations of an alert."""

    annotations: frozenset[str]  # what the rule keeps of its own
    alerts: list[int]  # indexes in the test's alert_rule_test
    with_queries: bool  # the query tests go with the first part


def split(template: Template, index: int, test: Mapping[str, Any]) -> list[Part]:
    """The alert entries by the annotations that they name, and the query tests with the first.

    An entry that expects no alert goes anywhere. Two entries for one alert at one time part as
    well, as promtool's answer would not tell them apart. Raises Refused for an entry whose
    alerts name different annotations.
    """
    entries: list[tuple[int, tuple[str, int], frozenset[str] | None]] = []
    for number, entry in enumerate(test.get("alert_rule_test") or ()):
        names = _named(template.pointer("tests", index, "alert_rule_test", number), entry)
        key = (str(entry.get("alertname") or template.rule), milliseconds(str(entry["eval_time"])))
        entries.append((number, key, names))
    entries.sort(key=lambda each: each[2] is None)  # those that go anywhere see all the others first
    parts: list[tuple[frozenset[str], dict[tuple[str, int], int]]] = []
    for number, key, names in entries:
        for kept, numbers in parts:
            if key not in numbers and names in (None, kept):
                numbers[key] = number
                break
        else:
            parts.append((names or frozenset(), {key: number}))
    if not parts:
        return [Part(frozenset(), [], True)]
    return [Part(kept, sorted(numbers.values()), at == 0) for at, (kept, numbers) in enumerate(parts)]


def _named(place: Pointer, entry: Mapping[str, Any]) -> frozenset[str] | None:
    named = [frozenset(alert.get("exp_annotations") or ()) for alert in entry.get("exp_alerts") or ()]
    for number, names in enumerate(named):
        if names != named[0]:
            raise Refused(
                Diagnostic(
                    "RC622",
                    "the alerts that this entry expects do not name the same annotations",
                    place=place.at("exp_alerts", number),
                    label=f"{listing(names)}, where the first one names {listing(named[0])}",
                    help="name the same annotations in each alert of the entry",
                )
            )
    return named[0] if named else None


def listing(names: Iterable[str]) -> str:
    """Names for a message, each between backticks; `none` if there are none."""
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


_DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
_MILLISECONDS = {
    "ms": 1,
    "s": 1_000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}


def milliseconds(duration: str) -> int:
    """A Prometheus duration such as 1h30m, in milliseconds."""
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _DURATION.findall(duration))
