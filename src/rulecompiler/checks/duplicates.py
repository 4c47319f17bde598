"""RC402: two rules of one file with the same name and the same labels."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.options import Options
from rulecompiler.diagnostics import Diagnostic, Related
from rulecompiler.model import Rule, RuleSet


def check(rules: RuleSet, options: Options) -> Iterator[Diagnostic]:
    """Yields an RC402 at each rule that repeats the name and labels of an earlier one.

    Prometheus loads such a pair without a word: two alerts are then one to Alertmanager, and two
    records write the same series.
    """
    first: dict[tuple[str, str, frozenset[tuple[str, str]]], Rule] = {}
    for group in rules.groups:
        for rule in group.rules:
            earlier = first.setdefault((rule.kind, rule.name, frozenset(rule.labels.items())), rule)
            if earlier is not rule:
                yield _report(rule, earlier)


def _report(rule: Rule, earlier: Rule) -> Diagnostic:
    what = "alerts" if rule.kind == "alert" else "recording rules"
    return Diagnostic(
        "RC402",
        f"two {what} are named `{rule.name}` and have the same labels",
        rule.entry.key(),
        label="the second",
        help="give one of them another name or a label that tells them apart, or disable one",
        related=(Related(earlier.entry.key(), "the first"),),
    )
