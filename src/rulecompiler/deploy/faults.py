"""What the protocol finds wrong, in words: what was found, and the next thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from rulecompiler.deploy.alert_state import LostAlert
    from rulecompiler.deploy.compare import Difference, FailingRule
    from rulecompiler.deploy.settings import Target

_SHOWN = 5


def empty() -> Diagnostic:
    """No rule at all would run (RC871)."""
    return Diagnostic(
        "RC871",
        "there is no rule to deploy, so every alert would end",
        help="look whether generated/ is what you think; say --allow-empty if nothing is meant to run",
    )


def nothing_stays(before: int) -> Diagnostic:
    """A release that keeps no file of what was deployed: perhaps another repo's folder (RC869)."""
    return Diagnostic(
        "RC869",
        f"not one of the {before} files that were deployed here is in this release"
        if before != 1
        else "the one file that was deployed here is not in this release",
        help="look whether another repo deploys to this folder, and give each one its own; "
        "say --allow-empty if all that runs here is meant to go",
    )


def too_many_rules(file: str, group: str, rules: int, target: Target) -> Diagnostic:
    """A group that a server takes minutes to load (RC872)."""
    return Diagnostic(
        "RC872",
        f"the group {group} in {file} has {rules:,} rules, above the limit of {target.max_rules_per_group:,}",
        help="split it by category, or raise `max_rules_per_group`: a reload takes longer than linear in it",
    )


def not_loaded(pattern: str, missing: Sequence[str], patterns: Sequence[str]) -> Diagnostic:
    """The server's configuration names no glob that finds our files (RC873)."""
    found = ", ".join(patterns[:_SHOWN]) or "nothing"
    return Diagnostic(
        "RC873",
        f"Prometheus would not load {missing[0]}: its `rule_files` say {found}",
        help="see that `path` (PROMETHEUS_RULE_PATH) is the folder above `current`, and `server_path` that "
        f"folder as the server has it; then add `- {pattern}` to `rule_files` in prometheus.yml, and reload",
    )


def refused_by_promtool(file: str, message: str) -> Diagnostic:
    """A file that the server would refuse (RC874)."""
    return Diagnostic(
        "RC874",
        f"promtool refuses {file}: {message}",
        help="run `rulecompiler check`, which shows the line that its author wrote",
    )


def found_refused(file: str, message: str) -> Diagnostic:
    """A file that somebody changed so that nobody could load it, or go back to it (RC874)."""
    return Diagnostic(
        "RC874",
        f"promtool refuses {file} as it lies on the disk: {message}",
        help="correct it there by hand, or put back what was deployed, and deploy again: "
        "what is on disk is loaded first, so that a rollback can rest on it",
    )


def starts_over(alerts: Sequence[LostAlert]) -> Diagnostic:
    """Alerts that would lose how long they have been pending or firing (RC875)."""
    return Diagnostic(
        "RC875",
        f"{_alerts(alerts)} would start over: {_named(alerts)}",
        help="their file, group, name or labels change, which Prometheus takes for another alert; "
        "keep them, or say --accept-alert-reset",
    )


def lost_between(alerts: Sequence[LostAlert]) -> Diagnostic:
    """Alerts that the release keeps, and that what lies on the disk would reset first (RC875)."""
    return Diagnostic(
        "RC875",
        f"{_alerts(alerts)} would start over, as what lies on the disk is loaded first and has no such rule: "
        f"{_named(alerts)}",
        help="put the rules back by hand that were changed there, or say --accept-alert-reset",
    )


def ends(alerts: Sequence[LostAlert]) -> Diagnostic:
    """Active alerts whose rules are gone (RC876)."""
    return Diagnostic(
        "RC876",
        f"{_alerts(alerts)} ends with its rule: {_named(alerts)}"
        if len(alerts) == 1
        else f"{_alerts(alerts)} end with their rules: {_named(alerts)}",
        help="nothing, if that is what removing the rule was for",
        severity=Severity.WARNING,
    )


def server_too_old(version: str, wanted: str) -> Diagnostic:
    """A server older than the one that the rules were compiled for (RC877)."""
    return Diagnostic(
        "RC877",
        f"the server is Prometheus {version}, older than `prometheus.version` ({wanted})",
        help=f"set `prometheus: {{version: {version!r}}}` in rulecompiler.yaml and compile again",
    )


def promtool_older(promtool: str, version: str) -> Diagnostic:
    """A promtool that does not know what the server knows (RC878)."""
    return Diagnostic(
        "RC878",
        f"promtool is {promtool}, older than the server's {version}, and may refuse what is newer",
        help="use the promtool of the server's own release; PROMTOOL_PATH names it",
        severity=Severity.WARNING,
    )


def did_not_reload() -> Diagnostic:
    """A 200 behind which nothing was reloaded (RC879)."""
    return Diagnostic(
        "RC879",
        "the reload was answered with 200, but the server did not reload",
        help="see whether `url` leads to the server itself, not to a proxy that answers in its place",
    )


def nothing_runs(pattern: str) -> Diagnostic:
    """A 200 after which none of our rules run (RC860)."""
    return Diagnostic(
        "RC860",
        "the server reloaded, and runs none of these rules: it does not find the files",
        help=f"look for {pattern} as the server sees it: the volume must be mounted there, and readable",
    )


def stale_mount(pattern: str) -> Diagnostic:
    """A server that still reads what was there before (RC861)."""
    return Diagnostic(
        "RC861",
        "the server reloaded, and still reads the files that were there before",
        help=f"mount the folder above, not the link itself or a file: {pattern} must lead through the link",
    )


def nobody_reloaded(seconds: float) -> Diagnostic:
    """With `reload: false`, nobody else reloaded in time (RC862)."""
    return Diagnostic(
        "RC862",
        f"reloading is off, and nobody else made the server load the new rules within {seconds:.0f} s",
        help="set `reload: true` (PROMETHEUS_RELOAD_ENABLED), or reload the server from elsewhere meanwhile",
    )


def evaluation_error(found: FailingRule, *, fatal: bool) -> Diagnostic:
    """A rule that loads but cannot be evaluated (RC863)."""
    return Diagnostic(
        "RC863",
        f"{found.rule} in {found.file}, group {found.group}, cannot be evaluated: {found.error}",
        help="correct the query: the server's data made it fail, which no check without data can see",
        severity=Severity.ERROR if fatal else Severity.WARNING,
    )


def not_evaluated(groups: Sequence[str], seconds: float) -> Diagnostic:
    """Groups whose interval is longer than the deployment waits (RC864)."""
    names = ", ".join(groups[:_SHOWN]) + (", …" if len(groups) > _SHOWN else "")
    return Diagnostic(
        "RC864",
        f"not evaluated yet after {seconds:.0f} s: {names}",
        help="`rulecompiler status` tells later whether their rules can be evaluated",
        severity=Severity.INFO,
    )


def foreign_refused(path: str, message: str) -> Diagnostic:
    """A file that is not ours, because of which the server keeps its old rules (RC896)."""
    return Diagnostic(
        "RC896",
        f"`{path}`, which is not ours, keeps the server from reloading: {message}",
        help="have its owner correct it: one bad file stops all",
    )


def foreign_changed(found: Sequence[Difference]) -> Diagnostic:
    """Groups of others that changed meanwhile (RC897)."""
    names = list(dict.fromkeys(f"{each.group} in {each.file}" for each in found))
    return Diagnostic(
        "RC897",
        f"groups that are not ours changed meanwhile: {', '.join(names[:_SHOWN])}",
        help="the reload took up what their owner had changed before; tell them",
        severity=Severity.WARNING,
    )


def interrupted(direction: str) -> Diagnostic:
    """An earlier run did not come to its end (RC898)."""
    way = "deployment" if direction == "forward" else "rollback"
    return Diagnostic(
        "RC898",
        f"an earlier {way} was interrupted, and is brought to an end first",
        severity=Severity.INFO,
    )


def other_deployment(folder: Path) -> Diagnostic:
    """Somebody else deployed meanwhile (RC899)."""
    return Diagnostic(
        "RC899",
        f"somebody else is deploying to `{folder}`, or was meanwhile, on a host that the lock does not reach",
        help="run `rulecompiler status`, then deploy again; have one place that deploys",
    )


def unfinished() -> Diagnostic:
    """A deployment that did not come to its end (RC854)."""
    return Diagnostic(
        "RC854",
        "an interrupted deployment has to be brought to an end first",
        help="run `rulecompiler deploy`, which does that",
    )


def drifted() -> Diagnostic:
    """A server that runs something else than its files say (RC857)."""
    return Diagnostic(
        "RC857",
        "what runs is not what was deployed",
        help="`rulecompiler drift` shows all of it; `rulecompiler reload` loads the files again, and "
        "--accept-drift does so while deploying",
    )


def no_way_back(reason: Diagnostic) -> Diagnostic:
    """A release that runs but could not be put back (RC858)."""
    return Diagnostic(
        "RC858",
        f"the release that runs could not be restored by a rollback: {reason.message}",
        help="say --accept-drift: what is on disk is then kept as a release first",
    )


def afterwards(problem: Diagnostic) -> Diagnostic:
    """A problem that does not change what runs: the next run puts it right."""
    return replace(problem, severity=Severity.WARNING)


def _alerts(alerts: Sequence[LostAlert]) -> str:
    return f"{len(alerts)} active alert" + ("s" if len(alerts) != 1 else "")


def _named(alerts: Sequence[LostAlert]) -> str:
    names = list(dict.fromkeys(f"{alert.rule} ({alert.state})" for alert in alerts))
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
