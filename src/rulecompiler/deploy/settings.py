"""Where and how to deploy: the `deploy:` section of rulecompiler.yaml, then the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

TargetKind = Literal["prometheus", "mimir", "prometheusrule", "configmap"]
LayoutName = Literal["release", "flat"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """How to prove to a server who one is; from the environment or files that it names, never printed."""

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One place to deploy to, with the replaced server's defaults. Times are in seconds."""

    name: str = "prometheus"
    kind: TargetKind = "prometheus"
    url: str = "http://localhost:9090"
    path: str = "/etc/prometheus/rules/generated"  # the folder that the deployer writes to
    server_path: str = ""  # the same folder as the server sees it; empty: `path`
    layout: LayoutName = "release"
    reload: bool = True
    reload_timeout: float = 30.0
    ready_timeout: float = 60.0
    pid_file: str = ""  # the server's, for SIGHUP where its lifecycle API is off
    keep: int = 5  # earlier releases that a rollback can go to; 0 with PROMETHEUS_BACKUP_ENABLED=false
    on_evaluation_error: Literal["rollback", "warn"] = "rollback"
    evaluation_wait: float = 90.0  # at most, until each changed group was evaluated once
    max_rules_per_group: int = 20_000
    canary: bool = False
    group_ids: tuple[str, ...] = ()  # of the groups that go here; with no `group_labels` either, all
    group_labels: Mapping[str, str] = field(default=MappingProxyType({}))
    credentials: Credentials = Credentials()
    tenant: str = ""  # mimir: X-Scope-OrgID
    namespace: str = "rulecompiler"  # mimir: the ruler's namespace; Kubernetes: metadata.namespace
    metadata_labels: Mapping[str, str] = field(default=MappingProxyType({}))  # Kubernetes: for a ruleSelector


@dataclass(frozen=True, slots=True)
class DeploySettings:
    """All targets in the order in which they are written, and how long canaries are watched."""

    targets: tuple[Target, ...] = (Target(),)
    soak_intervals: int = 2  # evaluation intervals without new errors, between the canaries and the rest
