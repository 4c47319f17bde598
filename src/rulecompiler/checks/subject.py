"""What a lint check sees of a rule, and how it says what it found.

Most of what is wrong with a rule is wrong with its template. So that a hundred thousand rules cost
little, a check is asked once for all rules that differ in numbers alone: it may look at whether a
number is zero and at its sign, and at nothing else about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from rulecompiler.diagnostics import Severity
from rulecompiler.labelflow import Analysis, Flow
from rulecompiler.model import AlertNames, Template
from rulecompiler.promql.tree import Node, Selector
from rulecompiler.resolve import ResolvedRule


class LintSettings(NamedTuple):
    """What the section `lint:` of the settings says, with its defaults."""

    scrape_interval: float = 15.0
    """Seconds; the longest among the targets whose metrics the rules use."""
    severities: tuple[str, ...] = ("critical", "warning", "info")
    """The values of `severity`, worst first."""
    annotations: tuple[str, ...] = ("summary", "runbook_url")
    """What each alert must have."""
    labels: tuple[str, ...] = ()
    """What each alert must have beside `severity`."""
    checks: Mapping[str, Severity | None] = MappingProxyType({})
    """Severities that are not the default; None: off."""
    owner: str = "team"
    """The label that names who is called; empty: nobody asks."""


class Repo(NamedTuple):
    """What a check may know of the repo as a whole."""

    records: Mapping[str, Template] = MappingProxyType({})
    flows: Mapping[str, Flow] = MappingProxyType({})  # of the series that the records write
    alerts: frozenset[str] = frozenset()  # the templates' names of their alerts
    alert_names: AlertNames = "qualified"


@dataclass(frozen=True, slots=True)
class Subject:
    """A rule with its values put in but not its scope, or many that are alike.

    `query` is the query's tree and `nodes` all of it, outside in; `labels` and `annotations` hold
    what Prometheus would read; `waits` says whether there is a `for`.
    """

    rule: ResolvedRule
    query: Node
    nodes: tuple[Node, ...]
    analysis: Analysis
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    waits: bool
    settings: LintSettings
    repo: Repo
    shape: int = 0  # the same for queries of one form, whatever their numbers

    @property
    def template(self) -> Template:
        """The rule's template."""
        return self.rule.template

    @property
    def is_alert(self) -> bool:
        """Whether it is an alert rather than a recording rule."""
        return self.rule.template.kind == "alert"

    @property
    def flow(self) -> Flow:
        """What is known of the labels of the query's result."""
        return self.analysis.of(self.query)

    def selectors(self) -> Iterable[Selector]:
        """Every selector of the query."""
        return [node for node in self.nodes if isinstance(node, Selector)]

    def near(self, word: str) -> At:
        """The place of a word in the template's query; all of the query where it cannot be found."""
        found = re.search(rf"(?<![\w:]){re.escape(word)}(?![\w:])", self.template.expr) if word else None
        return At(("expr",), found.start(), found.end()) if found else EXPR


class At(NamedTuple):
    """A place in a rule by its keys: `("params", "window")` is where that value was written."""

    keys: tuple[str, ...]
    start: int = -1
    end: int = -1
    on_key: bool = False


EXPR = At(("expr",), on_key=True)


class Finding(NamedTuple):
    """One thing that a check found in a rule; the place is worked out for each rule."""

    code: str
    message: str
    at: At
    severity: Severity
    label: str = ""
    help: str = ""
