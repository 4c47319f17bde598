"""What Kubernetes takes of the objects that we write, in JSON Schema.

Written from the documentation of the PrometheusRule (docs/api-reference of the Prometheus Operator) and of
ConfigMaps and names (Kubernetes). Stricter than a cluster: it refuses what nobody here should write.
Compared once with the operator's own CRD (0.85.0): the same fields of groups and rules, the same verdicts.
"""

from __future__ import annotations

from typing import Any

_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
_LABEL_NAME = r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
_DURATION = r"^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$"
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def _object(required: list[str], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


_LABEL_VALUE = {"type": "string", "pattern": r"^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$"}
_METADATA = _object(
    ["name", "namespace"],
    {
        "name": {"type": "string", "maxLength": 253, "pattern": _SUBDOMAIN},
        "namespace": {"type": "string", "pattern": _LABEL},
        "labels": {
            "type": "object",
            "propertyNames": {
                "pattern": r"^([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
            },
            "additionalProperties": _LABEL_VALUE,
        },
    },
)
_RULE = _object(
    ["expr"],
    {
        "alert": {"type": "string", "minLength": 1},
        "record": {"type": "string", "minLength": 1},
        "expr": {"type": "string"},
        "for": {"type": "string", "pattern": _DURATION},
        "keep_firing_for": {"type": "string", "minLength": 1, "pattern": _DURATION},
        "labels": _TEXTS,
        "annotations": _TEXTS,
    },
) | {"oneOf": [{"required": ["alert"]}, {"required": ["record"]}]}
_GROUP = _object(
    ["name", "rules"],
    {
        "name": {"type": "string", "minLength": 1},
        "interval": {"type": "string", "pattern": _DURATION},
        "query_offset": {"type": "string", "pattern": _DURATION},
        "limit": {"type": "integer"},
        "labels": _TEXTS,
        "partial_response_strategy": {"type": "string", "pattern": "^(abort|warn)?$"},
        "rules": {"type": "array", "items": _RULE},
    },
)

PROMETHEUS_RULE = _object(
    ["apiVersion", "kind", "metadata", "spec"],
    {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "PrometheusRule"},
        "metadata": _METADATA,
        "spec": _object(["groups"], {"groups": {"type": "array", "items": _GROUP}}),
    },
)
CONFIG_MAP = _object(
    ["apiVersion", "kind", "metadata", "data"],
    {
        "apiVersion": {"const": "v1"},
        "kind": {"const": "ConfigMap"},
        "metadata": _METADATA,
        "data": {**_TEXTS, "propertyNames": {"maxLength": 253, "pattern": r"^[-._a-zA-Z0-9]+$"}},
    },
)
