"""RC424: a value that the group inherits anyway."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from rulecompiler.inheritance import Sourced


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each parameter that repeats what a group above says.

    To repeat the template's default is to pin it, which is a decision.
    """
    if view.parent is None:
        return
    for name, entry in view.group.rules.items():
        above = view.parent.rules.get(name)
        here = view.resolved.rules.get(name)
        if entry is None or above is None or here is None or above.template is not here.template:
            continue
        written = entry.get("params")
        if isinstance(written, Mapping):
            place = view.group.pointer("rules", name, "params")
            for key, value in written.items():
                yield from _judge(key, value, above.params.get(key), above.template.path, place.at(key))
        if "for" in entry:
            place = view.group.pointer("rules", name)
            yield from _judge("for", entry["for"], above.for_, above.template.path, place.at("for"))


def _judge(
    key: str, value: object, above: Sourced | None, template: str, place: Pointer
) -> Iterator[Diagnostic]:
    if above is None or value is None or above.value != value or above.origin.path == template:
        return
    yield Diagnostic(
        "RC424",
        f"`{key}` is {value} already, by the group above",
        place,
        label="says nothing new",
        help="take it out, and it will follow the group above",
        severity=Severity.INFO,
        related=(Related(above.origin, "inherited from here"),),
    )
