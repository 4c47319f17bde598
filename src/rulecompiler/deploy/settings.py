"""Where and how to deploy: the `deploy:` section of rulecompiler.yaml, then the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rulecompiler.diagnostics import Diagnostic, has_errors
from rulecompiler.model import Document

TargetKind = Literal["prometheus", "mimir", "prometheusrule", "configmap"]
MANIFESTS: frozenset[TargetKind] = frozenset({"prometheusrule", "configmap"})  # nobody is asked what runs
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
    group_labels: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials = Credentials()
    tenant: str = ""  # mimir: X-Scope-OrgID
    namespace: str = "rulecompiler"  # mimir: the ruler's namespace; Kubernetes: metadata.namespace
    metadata_labels: Mapping[str, str] = field(default_factory=dict)  # Kubernetes: for a ruleSelector


@dataclass(frozen=True, slots=True)
class DeploySettings:
    """All targets in the order in which they are written, and how long canaries are watched."""

    targets: tuple[Target, ...] = (Target(),)
    soak_intervals: int = 2  # evaluation intervals without new errors, between the canaries and the rest


def read(
    document: Document | None, environ: Mapping[str, str]
) -> tuple[DeploySettings | None, tuple[Diagnostic, ...]]:
    """Where and how to deploy; None if a fault was found (RC800 to RC809).

    `document` is rulecompiler.yaml as its schema accepts it, None where there is none. The files that
    the environment names for credentials are read.
    """
    # They need the types above.
    from rulecompiler.deploy import credentials, settings_checks, settings_environment, settings_file

    drafts, soak, found = settings_file.read_file(document or Document("", None))
    faults = [*found, *settings_environment.ambiguous(drafts, environ)]
    faults += settings_environment.misspelt(drafts, environ)
    drafts = tuple(settings_environment.overridden(draft, environ, faults) for draft in drafts)
    faults += settings_checks.check(drafts, document)
    targets = []
    for draft in drafts:
        target = draft.target
        if "url" in settings_file.KEYS[target.kind]:
            own = credentials.read_credentials(target.name, environ, faults)
            target = replace(target, credentials=own)
        targets.append(target)
    # Each target says it again of a variable that holds for all.
    faults = list(dict.fromkeys(faults))
    if has_errors(faults):
        return None, tuple(faults)
    settings = DeploySettings(tuple(targets))
    return (settings if soak is None else replace(settings, soak_intervals=soak)), tuple(faults)
