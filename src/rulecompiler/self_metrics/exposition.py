"""Metrics as Prometheus' text format writes them, and read back from what was written so."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

# Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details
_SAMPLE = re.compile(r"([a-z_:]+)(?:\{([^\n]*)\})? ([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\[\\"n])*)"')
_LABELS = re.compile(rf"{_LABEL.pattern}(?:,{_LABEL.pattern})*")
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
_ESCAPED = {character: escape for escape, character in _UNESCAPED.items()}

Labels = tuple[tuple[str, str], ...]


class Metric(NamedTuple):
    """What is known of a metric beside its values."""

    name: str
    kind: Literal["counter", "gauge"]
    help: str


class Samples:
    """Values by metric name and labels. A value that is not there was never recorded."""

    def __init__(self, values: Mapping[tuple[str, Labels], float] | None = None) -> None:
        self._values = dict(values or {})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Samples) and self._values == other._values

    def get(self, metric: Metric, **labels: str) -> float:
        """The value of a series; 0 where there is none."""
        return self._values.get((metric.name, tuple(labels.items())), 0.0)

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Gives a series a value."""
        self._values[metric.name, tuple(labels.items())] = float(value)

    def drop(self, unwanted: Callable[[str, Mapping[str, str]], bool]) -> None:
        """Takes away the series whose metric name and labels are unwanted."""
        self._values = {key: v for key, v in self._values.items() if not unwanted(key[0], dict(key[1]))}

    def text(self, metrics: Iterable[Metric]) -> str:
        """The exposition: metrics in the order given, their series sorted; one without series is left out."""
        lines: list[str] = []
        for metric in metrics:
            series = sorted((key[1], value) for key, value in self._values.items() if key[0] == metric.name)
            if series:
                lines += (f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}")
            lines += (f"{metric.name}{_braced(labels)} {_number(value)}" for labels, value in series)
        return "".join(f"{line}\n" for line in lines)


def parse(text: str, metrics: Iterable[Metric]) -> Samples | None:
    """What `Samples.text` wrote of these metrics; None if a line is damaged or somebody else's."""
    names = {metric.name for metric in metrics}
    values: dict[tuple[str, Labels], float] = {}
    if text and not text.endswith("\n"):
        return None  # it was cut: the last number may be as well
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line)
        if found is None or found[1] not in names or (found[2] and not _LABELS.fullmatch(found[2])):
            return None
        labels = tuple((name, _unescaped(value)) for name, value in _LABEL.findall(found[2] or ""))
        values[found[1], labels] = float(found[3])
    return Samples(values)


def _braced(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return "".join(_ESCAPED.get(character, character) for character in value)


def _unescaped(value: str) -> str:
    return re.sub(r"\\.", lambda found: _UNESCAPED[found[0]], value)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
