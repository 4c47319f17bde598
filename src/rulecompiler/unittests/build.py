"""Templates' `tests` as promtool unit tests: what is left out for the author is filled in here.

`build` writes the files, promtool runs them, and `verdicts.verdicts` reads its answer.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.emit import emit
from rulecompiler.model import Matcher, Rule, RuleSet, Template
from rulecompiler.promql import Problem, ScopedQuery, add_labels, scope_text
from rulecompiler.promql.problems import NOTHING_TO_SCOPE
from rulecompiler.unittests.parts import Part, Refused, listing, milliseconds, split
from rulecompiler.words import did_you_mean, nearest
from rulecompiler.yaml_scalar import flow

MAX_SAMPLES = 1_000_000
"""How many samples one series of a test may have: promtool makes them all, 40 bytes and more each."""

CompileTest = Callable[
    [Template, Mapping[str, Any], frozenset[str]], tuple[RuleSet, ...] | tuple[Diagnostic, ...]
]


def as_written(template: Template, index: int) -> Mapping[str, Any]:
    """The template's test number `index` (from 0), as its author wrote it."""
    return template.tests[index]


class Means(NamedTuple):
    """What the tests need of the compiler.

    `compile_test` compiles a template with a test's parameters and only the named annotations,
    under the test scope: what it requires first and then the rule, under its plain name, in one
    Prometheus group. `scope_labels` are that scope. `read_test` gives a test with everything
    rendered that may hold `${…}`.
    """

    compile_test: CompileTest
    scope_labels: Mapping[str, str]
    read_test: Callable[[Template, int], Mapping[str, Any] | tuple[Diagnostic, ...]] = as_written


class Expectation(NamedTuple):
    """One entry of a test, by what promtool calls it where it fails."""

    field: str  # alert_rule_test or promql_expr_test
    number: int  # its index in the author's list
    subject: str  # the alert's name, or the expression that promtool evaluates
    milliseconds: int
    ignored: frozenset[str] = frozenset()  # labels of a query's result that its author left out


@dataclass(frozen=True, slots=True)
class Case:
    """One promtool test file and the rule files that it needs; a test may take several cases."""

    file_name: str
    text: str
    rules: Mapping[str, RuleSet]  # by rule file
    template: Template
    index: int  # of the test in the template
    test: Mapping[str, Any]
    expectations: tuple[Expectation, ...]

    @property
    def place(self) -> Pointer:
        """Where the test stands in the template's file."""
        return self.template.pointer("tests", self.index)

    def rule_files(self) -> dict[str, str]:
        """The texts of the rule files, by name."""
        return {name: emit(rules) for name, rules in self.rules.items()}

    def digest(self) -> str:
        """SHA-256, in hex, of all that promtool gets, but for its number: equal ones have equal results."""
        parts = (self.text, *(part for item in self.rule_files().items() for part in item))
        stem = self.file_name.removesuffix(".yml")
        plain = [part.replace(stem, "\0") for part in parts]  # what no YAML can hold
        return hashlib.sha256("".join(f"{len(part)}:{part}" for part in plain).encode()).hexdigest()


def untested(templates: Iterable[Template]) -> tuple[str, ...]:
    """The names of the templates that have no unit tests, sorted."""
    return tuple(sorted(template.name for template in templates if not template.tests))


def build(templates: Iterable[Template], means: Means) -> tuple[tuple[Case, ...], tuple[Diagnostic, ...]]:
    """Every test of every template as cases, and what is wrong with those that cannot be one."""
    cases: list[Case] = []
    diagnostics: list[Diagnostic] = []
    for template in templates:
        for index in range(len(template.tests)):
            try:
                test = means.read_test(template, index)
                if isinstance(test, tuple):
                    raise Refused(*test)
                for part in split(template, index, test):
                    cases.append(_Writer(template, index, test, means).case(part, f"test-{len(cases):05}"))
            except Refused as refused:
                diagnostics += refused.diagnostics
    return tuple(cases), tuple(diagnostics)


class _Writer:
    """Writes the test file of one test; raises Refused where the author's input will not do."""

    def __init__(self, template: Template, index: int, test: Mapping[str, Any], means: Means) -> None:
        self._template = template
        self._test = test
        self._means = means
        self._index = index
        self._place = template.pointer("tests", index)

    def case(self, part: Part, name: str) -> Case:
        """The entries of `part` as a file whose name begins with `name`."""
        rule_sets = self._compile(part.annotations)
        rules = [rule for each in rule_sets for group in each.groups for rule in group.rules]
        files = {f"{name}-rules-{n}.yml": each for n, each in enumerate(rule_sets)}
        interval = str(self._test.get("interval") or "1m")
        test: dict[str, Any] = {"interval": interval, "name": name, "input_series": self._series()}
        if self._test.get("external_labels"):
            test["external_labels"] = self._test["external_labels"]
        expectations: list[Expectation] = []
        alerts = [self._alert(number, rules, part.annotations, expectations) for number in part.alerts]
        if alerts:
            test["alert_rule_test"] = alerts
        queries = self._test.get("promql_expr_test") or () if part.with_queries else ()
        if queries:
            test["promql_expr_test"] = [
                self._query(number, query, rules, expectations) for number, query in enumerate(queries)
            ]
        content: dict[str, Any] = {"rule_files": list(files), "evaluation_interval": interval}
        groups = [group.name for each in rule_sets for group in each.groups]
        if len(groups) > 1:
            content["group_eval_order"] = groups
        content["tests"] = [test]
        return Case(
            f"{name}.yml",
            flow(content) + "\n",
            files,
            self._template,
            self._index,
            self._test,
            tuple(expectations),
        )

    def _compile(self, annotations: frozenset[str]) -> tuple[RuleSet, ...]:
        result = self._means.compile_test(self._template, self._test.get("params") or {}, annotations)
        faults = [each for each in result if isinstance(each, Diagnostic)]
        if faults:
            raise Refused(*faults)
        return tuple(each for each in result if isinstance(each, RuleSet))

    def _series(self) -> list[dict[str, str]]:
        series: list[dict[str, str]] = []
        for number, each in enumerate(self._test.get("input_series") or ()):
            values = str(each["values"])
            self._count(values, self._place.at("input_series", number, "values"))
            text, place = str(each["series"]), self._place.at("input_series", number, "series")
            if self._template.scope and metric_name(text) not in self._template.unscoped:
                text = self._add(text, self._means.scope_labels, place)
            series.append({"series": text, "values": values})
        return series

    def _count(self, values: str, place: Pointer) -> None:
        """Refuses a series that would fill the memory."""
        counts = [count.lstrip("0") for count in _REPEATED.findall(values)]
        if any(len(count) > 9 for count in counts) or sum(int(count or 0) for count in counts) > MAX_SAMPLES:
            raise Refused(
                Diagnostic(
                    "RC621",
                    f"the values stand for more than {MAX_SAMPLES:,} samples",
                    place=place,
                    help="write fewer, with a longer `interval` if the time they cover matters",
                )
            )

    def _add(self, series: str, labels: Mapping[str, str], place: Pointer) -> str:
        added = add_labels(series, labels)
        if isinstance(added, Problem):
            raise Refused(_broken(added, place))
        return added

    def _scoped(self, expr: str, place: Pointer) -> str:
        if not self._template.scope:
            return expr
        unscoped = frozenset(
            name for name in self._template.unscoped if re.search(rf"(?<![\w:]){name}(?![\w:])", expr)
        )
        matchers = tuple(Matcher(label, "=", value) for label, value in self._means.scope_labels.items())
        scoped = scope_text(expr, matchers, unscoped=unscoped)
        if isinstance(scoped, ScopedQuery):
            return scoped.text
        if all(problem.code == NOTHING_TO_SCOPE for problem in scoped):
            return expr  # such as vector(0): a rule may not be so, but a test may ask it
        raise Refused(*(_broken(problem, place) for problem in scoped))

    def _alert(
        self, number: int, rules: list[Rule], named: frozenset[str], expectations: list[Expectation]
    ) -> dict[str, Any]:
        entry = self._test["alert_rule_test"][number]
        place = self._place.at("alert_rule_test", number)
        name = str(entry.get("alertname") or self._template.rule)
        alerts = {rule.name: rule for rule in rules if rule.kind == "alert"}
        rule = alerts.get(name)
        if rule is None:
            raise Refused(self._no_alert(place, name, sorted(alerts)))
        for annotation in sorted(named - rule.annotations.keys()):
            raise Refused(self._no_annotation(place, annotation, entry))
        time = str(entry["eval_time"])
        expectations.append(Expectation("alert_rule_test", number, name, milliseconds(time)))
        static = {label: value for label, value in rule.labels.items() if "{{" not in value}
        expected = [
            {
                "exp_labels": {**static, **(alert.get("exp_labels") or {})},
                "exp_annotations": dict(alert.get("exp_annotations") or {}),
            }
            for alert in entry.get("exp_alerts") or ()
        ]
        return {"eval_time": time, "alertname": name, "exp_alerts": expected}

    def _no_alert(self, place: Pointer, name: str, known: list[str]) -> Diagnostic:
        near = nearest(name, known) or next(iter(known), None)
        return Diagnostic(
            "RC623",
            f"this template has no alert named {name}, so that the entry would prove nothing",
            place=place.at("alertname"),
            help=f"write `{near}`, or leave `alertname` out"
            if near
            else "test a record with `promql_expr_test`",
        )

    def _no_annotation(self, place: Pointer, name: str, entry: Mapping[str, Any]) -> Diagnostic:
        number = next(
            n for n, alert in enumerate(entry["exp_alerts"]) if name in (alert.get("exp_annotations") or ())
        )
        return Diagnostic(
            "RC624",
            f"the alert has no annotation {name}",
            place=place.at("exp_alerts", number, "exp_annotations", name).key(),
            help=did_you_mean(
                name, self._template.annotations, f"it has {listing(self._template.annotations)}"
            ),
        )

    def _query(
        self, number: int, query: Mapping[str, Any], rules: list[Rule], expectations: list[Expectation]
    ) -> dict[str, Any]:
        place = self._place.at("promql_expr_test", number)
        expr = self._scoped(str(query["expr"]), place.at("expr"))
        records = {rule.name: rule for rule in rules if rule.kind == "record"}
        samples, implicit, written = [], set(self._means.scope_labels), ""
        for at, sample in enumerate(query.get("exp_samples") or ()):
            text = str(sample.get("labels") or "{}")
            record = records.get(metric_name(text))
            labels = dict(self._means.scope_labels) if self._template.scope else {}
            if record is not None:
                labels |= record.labels
            added = self._add(text, labels, place.at("exp_samples", at, "labels"))
            samples.append({"labels": added, "value": sample["value"]})
            implicit |= labels.keys()
            written += " " + text
        for record in records.values():
            implicit |= record.labels.keys()
        ignored = frozenset(label for label in implicit if not re.search(rf"\b{label}\"?\s*=", written))
        time = str(query["eval_time"])
        expectations.append(Expectation("promql_expr_test", number, expr, milliseconds(time), ignored))
        return {"expr": expr, "eval_time": time, "exp_samples": samples}


def _broken(problem: Problem, place: Pointer) -> Diagnostic:
    return Diagnostic(
        "RC621",
        problem.message,
        place=place._replace(start=problem.start, end=problem.end),
        help=problem.help,
    )


# --- reading what authors and promtool write ---------------------------------

_REPEATED = re.compile(r"[xX]([0-9]+)")  # how often a value is repeated, as in `0+1x10`
_NAME = re.compile(r'\s*(?:([A-Za-z_:][\w:]*)|\{\s*(?:__name__\s*=\s*)?"((?:[^"\\]|\\.)*)"\s*[,}])')


def metric_name(series: str) -> str:
    """The metric's name of a series in Prometheus' notation; empty if it has none."""
    match = _NAME.match(series)
    return (match[1] or match[2]) if match else ""
