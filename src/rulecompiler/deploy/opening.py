"""From settings to deployers: the one place that knows which kind of target is which class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rulecompiler import promtool
from rulecompiler.deploy.layout import Layout
from rulecompiler.deploy.server import Server
from rulecompiler.deploy.settings import Target
from rulecompiler.deploy.site import Promtool, Site
from rulecompiler.deploy.target import Deployer
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.settings import Settings

# The rules are told only when a reload is over, also one that somebody else began.
_ANSWER_SECONDS = 30.0


def layout_of(target: Target) -> Layout:
    """How the target's folder is arranged."""
    from rulecompiler.deploy.flat_layout import FlatLayout
    from rulecompiler.deploy.release_layout import ReleaseLayout

    kind = ReleaseLayout if target.layout == "release" else FlatLayout
    return kind(Path(target.path), target.server_path or target.path)


def site_of(target: Target, tool: Promtool | None) -> Site:
    """A target's server and folder; without promtool, the cause of a refused reload is not looked for."""
    return Site(target, layout_of(target), Server(target.url, target.credentials, _ANSWER_SECONDS), tool)


def deployers(
    targets: Iterable[Target], root: Path, settings: Settings, environ: Mapping[str, str], *, now: str
) -> tuple[Deployer, ...] | Diagnostic:
    """A deployer for each target, nothing opened yet; a Diagnostic where promtool is needed and missing.

    `now` is the time of the deployment in RFC 3339, for the history.
    """
    found: list[Deployer] = []
    for target in targets:
        if target.kind == "prometheus":
            tool = promtool.find(environ, root)
            if isinstance(tool, Diagnostic):
                return tool
            from rulecompiler.deploy.prometheus_target import PrometheusTarget

            asked = Promtool(tool, settings.timeout)
            site = site_of(target, asked)
            found.append(PrometheusTarget(site, asked, oldest_version=settings.prometheus_version, now=now))
        elif target.kind == "mimir":
            from rulecompiler.deploy.mimir import MimirTarget

            found.append(MimirTarget(target))
        else:
            from rulecompiler.deploy.manifest_target import ManifestTarget

            # Manifests usually go to a repo, so a relative path is one inside of it.
            found.append(ManifestTarget(target, root))
    return tuple(found)
