"""What a Prometheus server scrapes, as its API tells it."""

from __future__ import annotations

from collections.abc import Mapping

from rulecompiler.deploy.running import Unexpected


def read_targets(data: object) -> tuple[Mapping[str, str], ...]:
    """The labels of the active targets in the `data` of an answer of `/api/v1/targets`. Raises Unexpected.

    Source: https://prometheus.io/docs/prometheus/latest/querying/api/#targets. The labels are those
    after relabelling, which the target's series carry.
    """
    active = data.get("activeTargets") if isinstance(data, dict) else None
    if not isinstance(active, list):
        raise Unexpected("no list of active targets")
    return tuple(_labels(target) for target in active)


def _labels(target: object) -> Mapping[str, str]:
    labels = target.get("labels") if isinstance(target, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise Unexpected("a target without labels")
    return labels
