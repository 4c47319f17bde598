"""RC440: a value that is the template's default; asked for by `lint.checks` alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rulecompiler.checks.group_view import GroupView
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity


def check(view: GroupView) -> Iterator[Diagnostic]:
    """Yields one for each parameter and `for` that says what would hold without it.

    To write a default out is to pin it, which some want: so nobody is told who does not ask.
    """
    if view.settings.checks.get("RC440") is None:
        return
    for name, entry in view.group.rules.items():
        here = view.resolved.rules.get(name)
        if not isinstance(entry, Mapping) or here is None:
            continue
        above = view.parent.rules.get(name) if view.parent is not None else None
        template = here.template
        place = view.group.pointer("rules", name)
        for key, value in (entry.get("params") or {}).items():
            param = template.params.get(key)
            inherited = above.params.get(key) if above is not None else None
            overrides = inherited is not None and inherited.origin.path != template.path
            if param is None or param.required or overrides or key in view.resolved.group.params:
                continue
            if value is not None and value == param.default:
                default = Pointer(template.path, ("params", key, "default"))
                yield _report(key, value, place.at("params", key), default)
        over = above is not None and above.for_ is not None and above.for_.origin.path != template.path
        if entry.get("for") is not None and entry["for"] == template.for_ and not over:
            yield _report("for", template.for_, place.at("for"), template.pointer("for"))


def _report(key: str, value: object, place: Pointer, default: Pointer) -> Diagnostic:
    return Diagnostic(
        "RC440",
        f"`{key}` is {value} by default",
        place,
        label="says nothing new",
        help="take it out, unless it is to stay when the default changes",
        severity=Severity.INFO,
        related=(Related(default, "the default"),),
    )
