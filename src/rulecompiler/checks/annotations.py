"""RC401: the text of an annotation or of an alert's label that Prometheus cannot parse as a template."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler import gotemplate
from rulecompiler.checks.options import Options
from rulecompiler.diagnostics import Diagnostic, Pointer, Related
from rulecompiler.model import Rule, RuleSet


def check(rules: RuleSet, options: Options) -> Iterator[Diagnostic]:
    """Yields an RC401 a faulty action, at the template's annotation or label.

    A text of the group's own is reported there too, since a rule does not say whose it is: the
    related place is in the group's entry. Offsets are left out, for `${…}` has been put in already.
    """
    seen: set[tuple[str, str, str, str]] = set()  # one report, however many rules share the template
    for group in rules.groups:
        for rule in group.rules:
            if rule.kind != "alert":
                continue  # Prometheus takes a recording rule's labels literally
            for name, text in rule.annotations.items():
                if "{{" in text and (faults := gotemplate.check(text)):
                    yield from _report(rule, "annotation", name, faults, seen)
            for name, text in rule.labels.items():
                if "{{" in text and (faults := gotemplate.check(text)):
                    yield from _report(rule, "label", name, faults, seen)


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
                Pointer(rule.template, (f"{what}s", name)),
                help=fault.help,
                related=(Related(rule.entry.at(f"{what}s", name), "compiled for this rule"),),
            )
