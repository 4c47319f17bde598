"""RC431: two templates that say the same."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.group_view import RepoView
from rulecompiler.checks.numbers_in_queries import blank, numbers
from rulecompiler.diagnostics import Diagnostic, Related, Severity
from rulecompiler.labelflow.template import default_query
from rulecompiler.model import Template


def check(view: RepoView) -> Iterator[Diagnostic]:
    """Yields one for each template with the query, `for` and severity of an earlier one.

    Their parameters count as their defaults. One that must be given has none to compare.
    """
    first: dict[object, Template] = {}
    for template in view.templates:
        says = _says(template)
        earlier = first.setdefault(says, template) if says is not None else template
        if earlier is not template:
            yield Diagnostic(
                "RC431",
                f"the template `{template.name}` says what `{earlier.name}` says",
                template.pointer(template.kind).key(),
                label="the same query, `for` and severity",
                help="use one of them under two names, with parameters for what shall differ",
                severity=Severity.INFO,
                related=(Related(earlier.pointer(earlier.kind).key(), "the first"),),
            )


def _says(template: Template) -> object | None:
    query = default_query(template)
    if query is None:
        return None
    return (
        template.kind,
        template.scope,
        template.unscoped,
        blank(query),
        tuple(numbers(query)),
        template.for_,
        template.labels.get("severity"),
        None if template.kind == "alert" else tuple(sorted(template.labels.items())),
    )
