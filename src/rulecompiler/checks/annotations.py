"""What Prometheus makes of the `{{ }}` in annotations and labels: RC401 and RC404."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rulecompiler.checks.options import Options
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.model import Rule, RuleSet

if TYPE_CHECKING:
    from rulecompiler import gotemplate

# Most texts hold nothing else, and need no parser to be seen to be sound. (No possessive repeat of a
# group: before 3.11.5 Python matched too much by it.)
_FAMILIAR = re.compile(
    r"(?:[^{]++|\{(?!\{)|\{\{ *(?:\$labels\.[A-Za-z_][A-Za-z0-9_]*|\$value(?: *\| *humanize)?) *\}\})*"
)


def check(rules: RuleSet, options: Options) -> Iterator[Diagnostic]:
    """Yields an RC401 a faulty action and an RC404 an unscoped query, at the annotation or label.

    Offsets are left out, for `${…}` has been put in already.
    """
    seen: set[tuple[str, str, str, str]] = set()  # one report, however many rules share the template
    for group in rules.groups:
        for rule in group.rules:
            if rule.kind != "alert":
                continue  # Prometheus takes a recording rule's labels literally
            for name, text in rule.annotations.items():
                if "{{" not in text or _FAMILIAR.fullmatch(text):
                    continue
                from rulecompiler import gotemplate

                if faults := gotemplate.check(text):
                    yield from _report(rule, "annotation", name, faults, seen)
                elif "query" in text and "query" in gotemplate.functions(text):
                    yield from _unscoped_query(rule, name, seen)
            for name, text in rule.labels.items():
                if "{{" not in text or _FAMILIAR.fullmatch(text):
                    continue
                from rulecompiler import gotemplate

                if faults := gotemplate.check(text):
                    yield from _report(rule, "label", name, faults, seen)


def _unscoped_query(rule: Rule, name: str, seen: set[tuple[str, str, str, str]]) -> Iterator[Diagnostic]:
    key = (rule.template, "query", name, "")
    if key not in seen:
        seen.add(key)
        yield Diagnostic(
            "RC404",
            f"annotation `{name}` asks a query of its own, which sees the series of every group",
            _place(rule, "annotations", name),
            label="not scoped",
            help="use `{{ $labels.x }}` and `{{ $value }}`, or put `${group.id}` into its matchers by hand",
            severity=Severity.WARNING,
        )


def _report(
    rule: Rule,
    what: str,
    name: str,
    faults: tuple[gotemplate.Fault, ...],
    seen: set[tuple[str, str, str, str]],
) -> Iterator[Diagnostic]:
    for fault in faults:
        key = (rule.template, what, name, fault.message)
        if key not in seen:
            seen.add(key)
            yield Diagnostic(
                "RC401",
                f"{what} `{name}`: {fault.message}",
                _place(rule, f"{what}s", name),
                help=fault.help,
                related=(Related(rule.entry.key(), "compiled for this rule"),),
            )


def _place(rule: Rule, field: str, name: str) -> Pointer:
    """Where a text was written: in a group, or else in the template."""
    return rule.overrides.get((field, name), Pointer(rule.template, (field, name)))
