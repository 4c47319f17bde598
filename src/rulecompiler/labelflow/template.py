"""The query of a template, read for its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rulecompiler import promql
from rulecompiler.inheritance import Sourced, Values
from rulecompiler.interpolation import GroupFacts, Promql, TextFault, compile_text
from rulecompiler.labelflow.analysis import Analysis
from rulecompiler.labelflow.flow import Flow
from rulecompiler.model import Matcher, Param, Template
from rulecompiler.promql.tree import Node, tree

_NOBODY = GroupFacts("group", "group", {})


def keeps(template: Template, label: str) -> bool | None:
    """Whether a label that all of a template's series have is on its result; None if nobody knows."""
    flow = template_flow(template, frozenset({label}))
    if flow is None:
        return None
    return True if label in flow.sure else None if flow.may(label) else False


def query_text(template: Template, params: Values, group: GroupFacts) -> str | None:
    """A template's query with values put in, unscoped; None where it is at fault."""
    program = compile_text(template.expr)
    if isinstance(program, TextFault):
        return None
    rendered = program.render(values_of(template, params), group)
    if isinstance(rendered, TextFault):
        return None
    query = promql.prepare(rendered, scoped=False)
    scoped = query.scope(()) if isinstance(query, promql.Query) else None
    return scoped.original if isinstance(scoped, promql.ScopedQuery) else None


def values_of(template: Template, params: Values) -> Mapping[str, Any]:
    """Parameters as a program takes them."""
    return {
        name: Promql(s.value)
        if template.params[name].format == "promql" and isinstance(s.value, str)
        else s.value
        for name, s in params.items()
    }


def default_query(template: Template) -> Node | None:
    """A template's query under its defaults; None where it is at fault, or a parameter has none."""
    if any(param.required for param in template.params.values()):
        return None
    defaults = {n: Sourced(p.default, template.pointer("params", n)) for n, p in template.params.items()}
    text = query_text(template, defaults, _NOBODY)
    return None if text is None else tree(text)


def template_flow(template: Template, scope: frozenset[str] = frozenset()) -> Flow | None:
    """What is known of a template's result under its defaults, where each selector has these labels.

    None where a parameter's value may decide, or the query is at fault.
    """
    if "{%" in template.expr or not all(_harmless(param) for param in template.params.values()):
        return None
    query = default_query(template)
    if query is None:
        return None
    matchers = tuple(Matcher(label, "!=", "") for label in sorted(scope)) if template.scope else ()
    return Analysis(matchers, template.unscoped).of(query)


def _harmless(param: Param) -> bool:
    """Whether no value of a parameter can put another label or expression into a query."""
    plain = param.schema.get("type") in ("number", "integer") or param.format == "duration"
    return plain and not param.required
