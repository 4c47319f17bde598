"""What only promtool can say: the last word on generated files, unit tests, and unproven queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from rulecompiler import promtool
from rulecompiler.complaints import blame
from rulecompiler.diagnostics import Diagnostic, Pointer, Severity
from rulecompiler.emit import emit
from rulecompiler.inputs import Inputs
from rulecompiler.library import Library
from rulecompiler.model import Rule, RuleGroup, RuleSet, Template, Unproven
from rulecompiler.unittests.build import build, untested
from rulecompiler.unittests.trial import Trial
from rulecompiler.unittests.verdicts import verdicts


class UnitTests(NamedTuple):
    """How the templates' unit tests went."""

    diagnostics: tuple[Diagnostic, ...]
    passed: int
    untested: tuple[str, ...]  # names of templates without tests
    templates: int
    good: frozenset[str] = frozenset()  # the digests of the cases that passed, now or before


def check_files(
    tool: Path, files: Mapping[str, str], rule_sets: Mapping[str, RuleSet], inputs: Inputs, library: Library
) -> tuple[Diagnostic, ...]:
    """promtool's complaints about generated files, at the lines that their authors wrote."""
    if not files:
        return ()
    complaints = promtool.check_rules(tool, files, inputs.settings.timeout)
    if isinstance(complaints, Diagnostic):
        return (complaints,)
    templates = {template.path: template for template in library}
    return tuple(dict.fromkeys(blame(c, rule_sets, templates) for c in complaints))


def judge_unproven(tool: Path, queries: Iterable[Unproven], timeout_seconds: float) -> tuple[Diagnostic, ...]:
    """promtool's judgement of queries that the parser library cannot read (RC540, RC541)."""
    by_name: dict[str, Unproven] = {}
    files: dict[str, str] = {}
    for number, query in enumerate(queries):
        for kind, expr in (("original", query.original), ("scoped", query.scoped)):
            name = f"{kind}-{number}.yml"
            by_name[name] = query
            files[name] = _one_rule(expr, query.template)
    if not files:
        return ()
    complaints = promtool.check_rules(tool, files, timeout_seconds)
    if isinstance(complaints, Diagnostic):
        return (complaints,)
    refused = {by_name[c.file_name].template: c.message for c in complaints}
    verdict: dict[Diagnostic, None] = {}
    for query in by_name.values():
        place = Pointer(query.template, ("expr",))
        if query.template in refused:
            verdict[
                Diagnostic(
                    "RC541",
                    f"neither the parser nor promtool accepts this query: {refused[query.template]}",
                    place,
                    help="correct it, or use a promtool as new as the language that it is written in",
                )
            ] = None
        else:
            verdict[
                Diagnostic(
                    "RC540",
                    "this query uses something that the parser library does not know, so the proof of its "
                    "scope rests on its tokens, and its validity on promtool, which accepts it",
                    place,
                    severity=Severity.INFO,
                )
            ] = None
    return tuple(verdict)


def run_unit_tests(
    tool: Path,
    library: Library,
    inputs: Inputs,
    chosen: Iterable[Template] | None = None,
    passed: Collection[str] = (),
) -> UnitTests:
    """Runs the unit tests of the chosen templates, of all if None, but for those whose digests `passed`."""
    templates = list(library) if chosen is None else list(chosen)
    cases, diagnostics = build(templates, Trial(library, inputs.options).means())
    digests = {case.file_name: case.digest() for case in cases}
    due = [case for case in cases if digests[case.file_name] not in passed]
    good = set(digests.values()) & set(passed)
    if due:
        rules: dict[str, str] = {}
        for case in due:
            rules |= case.rule_files()
        results = promtool.run_tests(
            tool, {case.file_name: case.text for case in due}, rules, inputs.settings.timeout
        )
        if isinstance(results, Diagnostic):
            diagnostics = (*diagnostics, results)
        else:
            diagnostics = (*diagnostics, *verdicts(due, results))
            ended = zip(due, results, strict=True)
            good |= {digests[case.file_name] for case, result in ended if not result.failures}
    return UnitTests(
        diagnostics,
        sum(len(t.tests) for t in templates),
        untested(templates),
        len(templates),
        frozenset(good),
    )


def _one_rule(expr: str, template: str) -> str:
    rule = Rule("record", "judged", expr, None, None, {}, {}, template, Pointer(template))
    return emit(RuleSet("judged", (template,), (RuleGroup("judged", None, None, None, (rule,)),)))
