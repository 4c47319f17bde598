"""How compiles and deploys went, as metrics that Prometheus can watch. Never fails the command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.self_metrics.exposition import Metric, Samples, parse
from rulecompiler.self_metrics.textfile import update
from rulecompiler.settings import Settings, why_not_url

_ERRORS = Metric("rulecompiler_compile_errors_total", "counter", "Errors that compiles found.")
_COMPILED = Metric("rulecompiler_compile_success", "gauge", "Whether the last compile had no errors.")
_COMPILED_AT = Metric("rulecompiler_compile_timestamp_seconds", "gauge", "When the last compile ended.")
_RULES = Metric("rulecompiler_rules", "gauge", "Rules of each group in the last compile without errors.")
_COMPILE = (_ERRORS, _COMPILED, _COMPILED_AT, _RULES)

_DEPLOYED = Metric("rulecompiler_deploy_success", "gauge", "Whether the target's last deploy succeeded.")
_DEPLOYED_AT = Metric("rulecompiler_deploy_timestamp_seconds", "gauge", "When a deploy last succeeded.")
_TRIED_AT = Metric(
    "rulecompiler_deploy_last_attempt_timestamp_seconds", "gauge", "When the last deploy ended."
)
_RELEASE = Metric("rulecompiler_deploy_release_info", "gauge", "The release that was last deployed.")
_ROLLBACKS = Metric("rulecompiler_rollback_total", "counter", "Deploys that were taken back.")
_DRIFT = Metric("rulecompiler_drift", "gauge", "Whether something else runs than should.")
_DEPLOY = (_DEPLOYED, _DEPLOYED_AT, _TRIED_AT, _RELEASE, _ROLLBACKS, _DRIFT)


class _Outlets(NamedTuple):
    """Where metrics go; empty: not there."""

    directory: str
    push_url: str


def record_compile(
    settings: Settings, environ: Mapping[str, str], *, errors: int, rules: Mapping[str, int], now: float
) -> tuple[Diagnostic, ...]:
    """Records a compile that found so many errors; `rules` are counts by group, `now` a Unix time.

    What cannot be recorded is a warning (RC890 to RC892).
    """

    def change(samples: Samples) -> None:
        samples.set(_ERRORS, samples.get(_ERRORS) + errors)
        samples.set(_COMPILED, not errors)
        samples.set(_COMPILED_AT, now)
        if not errors:  # after a fault the files are still the last good compile's
            samples.drop(lambda name, _: name == _RULES.name)
            for group, count in rules.items():
                samples.set(_RULES, count, group=group)

    return _record(settings, environ, "compile", _COMPILE, change, {})


def record_deploy(
    settings: Settings,
    environ: Mapping[str, str],
    target: str,
    *,
    success: bool,
    release: str,
    rolled_back: bool,
    now: float,
    known: Collection[str] = (),
) -> tuple[Diagnostic, ...]:
    """Records that a target was deployed to; `now` is a Unix time.

    The series of targets that are not `known` any more are dropped; without any, none is. What cannot
    be recorded is a warning (RC890 to RC892).
    """

    def change(samples: Samples) -> None:
        samples.drop(lambda _, labels: bool(known) and labels.get("target") not in known)
        samples.set(_DEPLOYED, success, target=target)
        samples.set(_TRIED_AT, now, target=target)
        samples.set(_ROLLBACKS, samples.get(_ROLLBACKS, target=target) + rolled_back, target=target)
        if success:
            samples.set(_DEPLOYED_AT, now, target=target)
            samples.drop(lambda name, labels: name == _RELEASE.name and labels.get("target") == target)
            samples.set(_RELEASE, 1, target=target, release=release)
            samples.set(_DRIFT, 0, target=target)  # that nothing else runs is what was verified

    return _record(settings, environ, "deploy", _DEPLOY, change, {"target": target})


def record_drift(
    settings: Settings, environ: Mapping[str, str], target: str, *, drifted: bool
) -> tuple[Diagnostic, ...]:
    """Records whether a target runs something else than it should; faults as of `record_deploy`."""

    def change(samples: Samples) -> None:
        samples.set(_DRIFT, drifted, target=target)

    return _record(settings, environ, "deploy", _DEPLOY, change, {"target": target})


def _said(settings: Settings, environ: Mapping[str, str]) -> _Outlets:
    return _Outlets(
        environ.get("RULECOMPILER_TEXTFILE_DIRECTORY") or settings.metrics_directory,
        (environ.get("RULECOMPILER_PUSH_URL") or settings.metrics_push_url).strip(),
    )


def _record(
    settings: Settings,
    environ: Mapping[str, str],
    what: str,
    metrics: tuple[Metric, ...],
    change: Callable[[Samples], None],
    labels: Mapping[str, str],
) -> tuple[Diagnostic, ...]:
    outlets = _said(settings, environ)
    faults: list[Diagnostic] = []
    now = Samples()

    def renew(old: str) -> str:
        nonlocal now
        # Whatever is wrong with the old file: counters begin anew, as they do for Prometheus.
        now = parse(old, metrics) or Samples()
        change(now)
        return now.text(metrics)

    if outlets.directory and not outlets.directory.startswith("/"):
        faults.append(_unusable("RULECOMPILER_TEXTFILE_DIRECTORY", "is not an absolute path"))
    elif outlets.directory:
        try:
            update(outlets.directory, f"rulecompiler_{what}.prom", renew)
        except (OSError, ValueError) as error:
            faults.append(_unwritten(error))
    if outlets.push_url:
        if now == Samples():
            renew("")
        now.drop(lambda _, own: any(own.get(name) != value for name, value in labels.items()))
        faults.extend(_pushed(outlets.push_url, now.text(metrics), {"job": f"rulecompiler_{what}", **labels}))
    return tuple(faults)


def _pushed(url: str, text: str, grouping: Mapping[str, str]) -> list[Diagnostic]:
    reason = why_not_url(url)
    if reason and reason != "holds credentials":
        return [_unusable("RULECOMPILER_PUSH_URL", reason)]
    from rulecompiler.self_metrics.push import push  # with httpx, which takes 100 ms to import

    problem = push(url, text, grouping)
    return [_unpushed(problem)] if problem else []


def _unwritten(error: OSError | ValueError) -> Diagnostic:
    reason = error.strerror if isinstance(error, OSError) else "its path is none"
    if isinstance(error, BlockingIOError):
        reason = "another run has been writing there for 5 seconds"
    return Diagnostic(
        "RC890",
        f"the metrics of this run could not be written: {reason}",
        help="see that `metrics.textfile_directory` (RULECOMPILER_TEXTFILE_DIRECTORY) is a folder, "
        "and writable for this user",
        severity=Severity.WARNING,
    )


def _unpushed(problem: str) -> Diagnostic:
    return Diagnostic(
        "RC891",
        f"the metrics of this run could not be pushed: {problem}",
        help="see that a Pushgateway answers at `metrics.push_url` (RULECOMPILER_PUSH_URL)",
        severity=Severity.WARNING,
    )


def _unusable(variable: str, reason: str) -> Diagnostic:
    return Diagnostic(
        "RC892",
        f"the variable {variable} {reason}, so that no metrics go there",
        help="correct it, or unset it",
        severity=Severity.WARNING,
    )
