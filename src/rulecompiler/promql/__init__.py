"""PromQL: values put in safely, scopes injected into the author's text, and the proof of both."""

from rulecompiler.promql.problems import CONTRADICTION, Problem
from rulecompiler.promql.query import Query, ScopedQuery, prepare, scope_text
from rulecompiler.promql.regexes import accepts, is_regex
from rulecompiler.promql.regexes import matches as regex_matches
from rulecompiler.promql.terms import (
    add_labels,
    is_duration,
    is_label,
    is_metric,
    parse_error,
    parses,
    same_meaning,
)

__all__ = [
    "CONTRADICTION",
    "Problem",
    "Query",
    "ScopedQuery",
    "accepts",
    "add_labels",
    "is_duration",
    "is_label",
    "is_metric",
    "is_regex",
    "parse_error",
    "parses",
    "prepare",
    "regex_matches",
    "same_meaning",
    "scope_text",
]
