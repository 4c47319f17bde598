"""The text of a Kubernetes manifest: what kubectl reads, and what a reviewer reads in a diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rulecompiler.deploy.settings import Target
from rulecompiler.yaml_scalar import block, double_quoted, flow, inline, is_plain


def marker(target: str) -> str:
    """How a manifest begins that was written for the target of this name, and for no other."""
    name = target if is_plain(target) else double_quoted(target)
    return f"# Written by rulecompiler for the target {name}. "


def prometheus_rule(name: str, target: Target, file: str, groups: Iterable[Mapping[str, Any]]) -> str:
    """A PrometheusRule object with these groups, which come from `file`."""
    lines = [
        *_head("monitoring.coreos.com/v1", "PrometheusRule", name, target, file),
        "spec:",
        "  groups:",
    ]
    for group in groups:
        lines += _item(group, "  ")
    return "\n".join((*lines, ""))


def config_map(name: str, target: Target, files: Mapping[str, str]) -> str:
    """A ConfigMap object with these files."""
    lines = [*_head("v1", "ConfigMap", name, target, "generated/"), "data:"]
    lines += [f"  {inline(file)}: {block(text, '  ')}" for file, text in files.items()]
    return "\n".join((*lines, ""))


def _head(version: str, kind: str, name: str, target: Target, source: str) -> Iterator[str]:
    yield f"{marker(target.name)}Do not edit: the next deployment overwrites it."
    yield f"# It comes from {source}, which says what each rule is made of."
    yield f"apiVersion: {version}"
    yield f"kind: {kind}"
    yield "metadata:"
    yield f"  name: {inline(name)}"
    yield f"  namespace: {inline(target.namespace)}"
    if target.metadata_labels:
        yield "  labels:"
        for label, value in sorted(target.metadata_labels.items()):
            yield f"    {inline(label)}: {inline(value)}"


def _item(fields: Mapping[str, Any], indent: str) -> Iterator[str]:
    """A group or rule as an item of a list whose dashes stand at `indent`."""
    start = f"{indent}- "
    inner = indent + "  "
    for key, value in fields.items():
        if value in ({}, []):
            continue
        if key == "rules":
            yield f"{start}rules:"
            for rule in value:
                yield from _item(rule, inner)
        elif isinstance(value, dict):
            yield f"{start}{inline(key)}:"
            for name, text in value.items():
                yield f"{inner}  {inline(name)}: {block(text, inner + '  ')}"
        elif isinstance(value, str):
            text = value.rstrip("\n") if key == "expr" else value
            yield f"{start}{inline(key)}: {block(text, inner)}"
        else:
            yield f"{start}{inline(key)}: {flow(value)}"
        start = inner
