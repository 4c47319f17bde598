"""What a ruler's namespace does not allow, in words."""

from __future__ import annotations

from collections.abc import Sequence

from rulecompiler.diagnostics import Diagnostic, Severity, Span

_SHOWN = 5


def bad_namespace(namespace: str) -> Diagnostic:
    """A namespace that cannot be owned, above all none at all (RC883)."""
    return Diagnostic(
        "RC883",
        f"{namespace!r} cannot be the namespace: requests for it would reach others, or be refused",
        help="give the target a `namespace` of its own, a plain name such as rulecompiler",
    )


def bad_group_name(file: str, name: str) -> Diagnostic:
    """A group that a ruler would store and never again delete (RC883)."""
    return Diagnostic(
        "RC883",
        f"a ruler has no path for the group name {name!r}",
        Span(file, 1, 1, 1, 1),
        help="rename the group: no slash at its start, and no `..` between slashes",
    )


def two_of_a_name(name: str, first: str, second: str) -> Diagnostic:
    """Two groups where a namespace holds one (RC883)."""
    return Diagnostic(
        "RC883",
        f"the group {name} stands in {first} and in {second}, and the namespace can hold one",
        Span(second, 1, 1, 1, 1),
        help="give one of them another `name`, or send each to a target with a `namespace` of its own",
    )


def group_labels(file: str, name: str) -> Diagnostic:
    """Labels that some rulers lose without a word (RC883)."""
    return Diagnostic(
        "RC883",
        f"the group {name} has labels of its own, which some rulers lose without a word",
        Span(file, 1, 1, 1, 1),
        help="put the labels on each rule, as `rulecompiler compile` does",
    )


def foreign(namespace: str, names: Sequence[str]) -> Diagnostic:
    """Groups in the way that the compiler did not make (RC884)."""
    return Diagnostic(
        "RC884",
        f"the namespace {namespace} holds groups that the compiler did not make and that would go: "
        f"{_listed(names)}",
        help="choose a `namespace` that nobody else writes to, or move them to another one; "
        "say --accept-drift to have them replaced",
    )


def changed_meanwhile(what: str) -> Diagnostic:
    """Another deployment came between the look and the first write (RC889)."""
    return Diagnostic(
        "RC889",
        f"somebody else changed {what} meanwhile, so that nothing of it was touched",
        help="see whether another pipeline deploys to it, then deploy again",
    )


def differs(namespace: str, wrong: Sequence[str]) -> Diagnostic:
    """What is read back is not what was written (RC885)."""
    return Diagnostic(
        "RC885",
        f"the ruler does not hold in {namespace} what was written: {'; '.join(wrong[:_SHOWN])}",
        help="if a field is lost each time, the ruler is too old for it; otherwise see who else writes there",
    )


def alerts_unknown(names: Sequence[str], *, consented: bool) -> Diagnostic:
    """Alerts that might start over, and nobody to ask (RC886)."""
    return Diagnostic(
        "RC886",
        f"which alerts are active cannot be told, and these would start over: {_listed(names)}",
        help="their group, its place or their labels change, which makes other alerts of them; "
        "keep them, or say --accept-alert-reset",
        severity=Severity.WARNING if consented else Severity.ERROR,
    )


def unwatched(url: str) -> Diagnostic:
    """Rules that are stored, and whose evaluation nobody can see (RC886)."""
    return Diagnostic(
        "RC886",
        f"the ruler at {url} does not tell how its rules are evaluated, so nobody watched the new ones",
        help="let these credentials read its /api/v1/rules, or look at its log for failed evaluations",
        severity=Severity.WARNING,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
