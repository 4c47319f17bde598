"""What a Prometheus server runs, as its API tells it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

Kind = Literal["alert", "record"]


class ActiveAlert(NamedTuple):
    """An alert that is pending or firing."""

    state: Literal["pending", "firing"]
    active_at: str  # RFC 3339, as the server says it
    labels: Mapping[str, str]


class RunningRule(NamedTuple):
    """A rule as a server evaluates it; `query` is in the server's own canonical form."""

    kind: Kind
    name: str
    query: str
    for_seconds: float
    keep_firing_seconds: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    health: str  # ok, err or unknown
    last_error: str
    active: tuple[ActiveAlert, ...]


class RunningGroup(NamedTuple):
    """A group of rules as a server evaluates it; `file` is the path that the server has for it."""

    file: str
    name: str
    interval_seconds: float
    limit: int
    rules: tuple[RunningRule, ...]
    last_evaluation: str  # RFC 3339; the year 1 if never


class Unexpected(Exception):
    """The answer is not one of Prometheus' rules API; says what is wrong with it."""


def read_groups(data: object) -> tuple[RunningGroup, ...]:
    """The groups in the `data` of an answer of `/api/v1/rules`. Raises Unexpected.

    Source: https://prometheus.io/docs/prometheus/latest/querying/api/#rules. Groups without rules
    are left out: 2.42 lists them, 3.x does not.
    """
    try:
        groups = tuple(_group(group) for group in data["groups"])  # type: ignore[index]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unexpected(f"{type(error).__name__}: {error}") from error
    return tuple(group for group in groups if group.rules)


def _group(data: Mapping[str, Any]) -> RunningGroup:
    return RunningGroup(
        str(data["file"]),
        str(data["name"]),
        _number(data["interval"]),
        int(_number(data.get("limit"))),
        tuple(_rule(rule) for rule in data["rules"]),
        str(data.get("lastEvaluation", "")),
    )


def _rule(data: Mapping[str, Any]) -> RunningRule:
    kind: Kind = "alert" if data["type"] == "alerting" else "record"
    return RunningRule(
        kind,
        str(data["name"]),
        str(data["query"]),
        _number(data.get("duration")),
        _number(data.get("keepFiringFor")),
        _texts(data.get("labels")),
        _texts(data.get("annotations")),
        str(data["health"]),
        str(data.get("lastError") or ""),
        tuple(
            ActiveAlert(alert["state"], str(alert.get("activeAt", "")), _texts(alert.get("labels")))
            for alert in data.get("alerts") or ()
            if alert["state"] in ("pending", "firing")
        ),
    )


def _number(data: Any) -> float:
    number = float(data or 0)
    if not math.isfinite(number):  # Python reads NaN and 1e999, which no JSON and no duration is
        raise ValueError(f"{number} is no number")
    return number


def _texts(data: Mapping[str, Any] | None) -> Mapping[str, str]:
    return {str(name): str(value) for name, value in (data or {}).items()}
