"""A target as its series' labels tell it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Target(NamedTuple):
    """A target by its labels after relabelling; a label with an empty value is none."""

    labels: Mapping[str, str]

    @property
    def id(self) -> str:
        """Its `target_id`, else its `instance`; empty where it has neither."""
        return self.labels.get("target_id") or self.labels.get("instance", "")

    @property
    def hostname(self) -> str:
        """Its `hostname`, else its instance without a port; empty where it has neither."""
        return self.labels.get("hostname") or host_of(self.labels.get("instance", ""))

    @property
    def shown(self) -> str:
        """What a person calls it."""
        return self.labels.get("instance") or self.id or self.hostname or "the target"


def host_of(address: str) -> str:
    """An address without its port."""
    host, colon, port = address.rpartition(":")
    return host.strip("[]") if colon and port.isdigit() else address


def from_labels(labels: Mapping[str, str]) -> Target:
    """A target with these labels; those that Prometheus keeps to itself (`__…`) are left out."""
    kept = {k: v for k, v in sorted(labels.items()) if v and not k.startswith("__")}
    return Target(kept)


def from_address(address: str, labels: Mapping[str, str]) -> Target:
    """A target of a service discovery; its address is its `instance` unless a label says otherwise."""
    return from_labels({"instance": address, **{k: v for k, v in labels.items() if v}})


def is_label_name(name: str) -> bool:
    """Whether every Prometheus takes this as a label's name."""
    return _LABEL_NAME.fullmatch(name) is not None


def parse_label(text: str) -> tuple[str, str] | Diagnostic:
    """`group_id=grp-123` as name and value, or what is wrong with it (RC742)."""
    name, equals, value = text.partition("=")
    if not equals:
        found = f"`{text}` has no `=`"
    elif not is_label_name(name):
        found = f"`{name}` is not a label's name" if name else "a label has no name"
    else:
        return name, value
    return Diagnostic("RC742", found, help="write it as `--label group_id=grp-123`, without quotes")
