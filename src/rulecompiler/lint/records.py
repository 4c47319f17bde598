"""What is known of the series that a recording rule writes."""

from __future__ import annotations

from rulecompiler.labelflow import Flow
from rulecompiler.labelflow.template import template_flow
from rulecompiler.model import Template


def written_by(template: Template, given: frozenset[str]) -> Flow | None:
    """The series of a record whose rule may be given these labels; None where too little is known."""
    flow = template_flow(template)
    if flow is None:
        return None
    for label in given:
        flow = flow.setting(label)
    for label, value in template.labels.items():
        flow = flow.setting(label, sure=bool(value) and "$" not in value and label not in given)
    return flow.dropping("__name__")
