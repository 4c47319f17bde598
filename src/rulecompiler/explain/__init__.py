"""`rulecompiler explain`: one rule of one group, and where each of its values comes from."""

from rulecompiler.explain.explanation import Explanation, Status, explain
from rulecompiler.explain.finding import Found, find_group, find_rule
from rulecompiler.explain.origins import Layer, Origin
from rulecompiler.explain.values import Cover, Value, show_matcher

__all__ = [
    "Cover",
    "Explanation",
    "Found",
    "Layer",
    "Origin",
    "Status",
    "Value",
    "explain",
    "find_group",
    "find_rule",
    "show_matcher",
]
