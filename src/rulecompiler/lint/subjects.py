"""From resolved rules to what the checks look at, made once for all that are alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from rulecompiler.checks.numbers_in_queries import blank
from rulecompiler.checks.subject import LintSettings, Repo, Subject
from rulecompiler.decode import text_of
from rulecompiler.inheritance import Sourced, Values
from rulecompiler.interpolation import GroupFacts, TextFault, compile_text
from rulecompiler.labelflow import Analysis
from rulecompiler.labelflow.template import query_text, values_of
from rulecompiler.model import Matcher, Template
from rulecompiler.promql.durations import milliseconds
from rulecompiler.promql.regexes import accepts
from rulecompiler.promql.tree import Node, tree, walk
from rulecompiler.resolve import ResolvedRule
from rulecompiler.scopes import Scope

_AT_ONCE = frozenset({"0", "0s", "0m"})
_PLAIN_HOLES = re.compile(r"(?:[^$]|\$(?!\{)|\$\{\s*[A-Za-z_]\w*\s*\})*")
_SOME = "…"  # whatever value the scope gives a label


class Subjects:
    """Makes subjects, and remembers them by all that a check may look at."""

    def __init__(self, settings: LintSettings, repo: Repo) -> None:
        self._settings = settings
        self._repo = repo
        self._known: dict[object, Subject | None] = {}
        self._uses_group: dict[str, bool] = {}
        self._queries: dict[object, tuple[Node, tuple[Node, ...], Analysis, int] | None] = {}
        self._shapes: dict[object, int] = {}
        self._parts: dict[tuple[int, str], tuple[object, int]] = {}
        self._numbers: dict[object, int] = {}
        self._exact: dict[object, Node | None] = {}

    def of(self, rule: ResolvedRule, group: GroupFacts, scope: Scope) -> Subject | None:
        """What to look at for a rule; None where the compiler or promtool has the say."""
        template = rule.template
        key = (
            template.name,
            rule.title if template.kind == "record" else "",
            self._part(rule.params, "", _plain_values),
            rule.for_ is None or rule.for_.value in _AT_ONCE,
            tuple([(name, _telling(name, value.value)) for name, value in rule.labels.items()]),
            self._part(rule.annotations, template.path, _own_texts),
            scope,
            (group.id, tuple(group.labels.items())) if self._asks_group(rule) else None,
        )
        if key not in self._known:
            self._known[key] = self._make(rule, group, scope)
        return self._known[key]

    def _part(self, values: Values, path: str, read: Callable[[Values, str], object]) -> int:
        """What a check may look at of some values, as a number; groups share most mappings with others."""
        known = self._parts.get((id(values), path))
        if known is None:
            number = self._numbers.setdefault(read(values, path), len(self._numbers))
            known = self._parts[id(values), path] = (values, number)  # held, so that its id stays its own
        return known[1]

    def exact(self, rule: ResolvedRule, group: GroupFacts) -> Node | None:
        """A rule's query with its very numbers, unscoped."""
        key = (
            rule.template.path,
            tuple([repr(sourced.value) for sourced in rule.params.values()]),
            (group.id, tuple(group.labels.items())) if self._asks_group(rule) else None,
        )
        if key not in self._exact:
            text = query_text(rule.template, rule.params, group)
            self._exact[key] = None if text is None else tree(text)
        return self._exact[key]

    def _asks_group(self, rule: ResolvedRule) -> bool:
        """Whether the query depends on the group itself; what texts say of it does not matter here."""
        template = rule.template
        asks = self._uses_group.get(template.path)
        if asks is None:
            asks = self._uses_group[template.path] = "group" in template.expr and uses_group(template.expr)
        return asks

    def _make(self, rule: ResolvedRule, group: GroupFacts, scope: Scope) -> Subject | None:
        template = rule.template
        params = rule.params
        if _PLAIN_HOLES.fullmatch(template.expr) and "{%" not in template.expr:
            params = {name: _shortened(sourced) for name, sourced in params.items()}
        matchers = scope if template.scope else ()
        text = query_text(template, params, group)
        found = None if text is None else self._query(text, matchers, template)
        if found is None:
            return None
        query, nodes, analysis, shape = found
        values = values_of(template, rule.params)
        return Subject(
            rule,
            query,
            nodes,
            analysis,
            {name: _text(sourced, values, group) for name, sourced in rule.labels.items()},
            {name: _text(sourced, values, group) for name, sourced in rule.annotations.items()},
            rule.for_ is not None and rule.for_.value not in _AT_ONCE,
            self._settings,
            self._repo,
            shape,
        )

    def _query(
        self, text: str, scope: Scope, template: Template
    ) -> tuple[Node, tuple[Node, ...], Analysis, int] | None:
        """A query's tree with all that is known of it, and its form; None where it cannot be read."""
        unscoped = template.unscoped
        key = (text, scope, unscoped, template.scope, template.kind)
        if key not in self._queries:
            query = tree(text)
            self._queries[key] = None
            if query is not None:
                form = (blank(query), unscoped, template.scope, template.kind)
                shape = self._shapes.setdefault(form, len(self._shapes))
                analysis = Analysis(scope, unscoped, self._repo.flows)
                self._queries[key] = (query, tuple(walk(query)), analysis, shape)
        return self._queries[key]

    def seconds(self, rule: ResolvedRule, group: GroupFacts) -> float:
        """How long a rule's `for` is; 0 without one."""
        if rule.for_ is None:
            return 0.0
        text = rule.for_.value if isinstance(rule.for_.value, str) else text_of(rule.for_.value)
        if "${" in text:
            text = _text(rule.for_, values_of(rule.template, rule.params), group)
        return _length(text)


def uses_group(text: str) -> bool:
    """Whether a templated text asks for the group's id, name or labels."""
    program = compile_text(text)
    return not isinstance(program, TextFault) and program.uses_group


def canonical(scope: Scope) -> Scope:
    """A scope without its values: what labels do in it, so that scopes of one kind are equal."""
    found = []
    for matcher in scope:
        if matcher.op == "=" and matcher.value:
            found.append(Matcher(matcher.label, "=", _SOME))
        elif not accepts(matcher.op, matcher.value, ""):
            found.append(Matcher(matcher.label, "!=", ""))
    return tuple(found)


def _text(sourced: Sourced, values: Mapping[str, Any], group: GroupFacts) -> str:
    text = text_of(sourced.value)
    if "$" not in text and "{" not in text:
        return text
    program = compile_text(text)
    rendered = program if isinstance(program, TextFault) else program.render(values, group)
    return text if isinstance(rendered, TextFault) else "".join(s.text for s in rendered)


@lru_cache(maxsize=1024)
def _length(text: str) -> float:
    return (milliseconds(text) or 0) / 1000


def _shortened(sourced: Sourced) -> Sourced:
    """A number as the checks see it, so that queries which differ in numbers alone are one."""
    value = sourced.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return sourced
    return Sourced((value > 0) - (value < 0), sourced.origin)


def _plain_values(params: Values, _: str) -> object:
    return tuple([_plain(sourced.value) for sourced in params.values()])


def _own_texts(texts: Values, path: str) -> object:
    """What a group wrote of a rule's annotations, and which there are."""
    return tuple(texts), tuple([(n, v.value) for n, v in texts.items() if v.origin.path != path])


def _plain(value: object) -> object:
    """A parameter's value as far as a check may see it: of a number, the sign."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else repr(value)
    return (value > 0) - (value < 0)


def _telling(name: str, value: object) -> object:
    """A label's value as far as a check may see it."""
    if name == "severity":
        return value
    return value if isinstance(value, str) and "{{" in value else None
