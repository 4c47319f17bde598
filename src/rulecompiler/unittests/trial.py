"""A template compiled by itself, as its unit tests want it: one made-up group, plain alert names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rulecompiler.compiler import Compiler
from rulecompiler.diagnostics import Diagnostic, Place, Pointer, Related, has_errors
from rulecompiler.forest import Forest
from rulecompiler.interpolation import GroupFacts, Promql, TextFault, compile_text
from rulecompiler.library import Library
from rulecompiler.model import Group, Matcher, Options, RuleGroup, RuleSet, Template
from rulecompiler.unittests.build import Means

GROUP = "test"
SCOPE_LABELS: Mapping[str, str] = {"group_id": GROUP}
_SCOPE = (Matcher("group_id", "=", GROUP),)
_PATH = "\0trial"  # where the made-up group would be, which no file is called


class Trial:
    """Compiles templates of one library for their unit tests."""

    def __init__(self, library: Library, options: Options) -> None:
        self._library = library
        self._options = options._replace(alert_names="plain")

    def means(self) -> Means:
        """What the unit tests need of the compiler."""
        return Means(self.compile_test, SCOPE_LABELS, self.read_test)

    def compile_test(
        self, template: Template, params: Mapping[str, Any], annotations: frozenset[str]
    ) -> tuple[RuleSet, ...] | tuple[Diagnostic, ...]:
        """The template's rule, after the records that it requires, in one Prometheus group.

        Only the named annotations are kept, so that a test need not name the others.
        """
        group = Group(
            path=_PATH,
            id=GROUP,
            name=GROUP,
            parent=None,
            abstract=False,
            scope=_SCOPE,
            labels={},
            params={},
            rules={template.rule: {"template": template.name, "params": params}},
        )
        compiler = Compiler(self._library, Forest({GROUP: group}), self._options)
        result = compiler.compile_group(GROUP)
        if result.rules is None:
            errors = [d for d in result.diagnostics if has_errors([d])]
            return tuple(_placed(d, template) for d in errors)
        rules = [
            replace(r, annotations={k: v for k, v in r.annotations.items() if k in annotations})
            for rule_group in result.rules.groups
            for r in rule_group.rules
        ]
        rules.sort(key=lambda r: r.kind == "alert")
        only = RuleGroup(GROUP, None, None, None, tuple(rules))
        return (RuleSet(GROUP, (template.path,), (only,)),)

    def read_test(self, template: Template, index: int) -> Mapping[str, Any] | tuple[Diagnostic, ...]:
        """The test with `${…}` filled in from its own parameters and the defaults."""
        test = template.tests[index]
        values = {
            name: Promql(value) if param.format == "promql" else value
            for name, param in template.params.items()
            if (value := (test.get("params") or {}).get(name, param.default)) is not None
        }
        faults: list[Diagnostic] = []
        filled = _fill(test, values, template.pointer("tests", index), faults)
        return tuple(faults) if faults else filled


def _fill(item: Any, values: Mapping[str, Any], place: Pointer, faults: list[Diagnostic]) -> Any:
    if isinstance(item, str) and ("${" in item or "{%" in item or "{#" in item):
        program = compile_text(item)
        rendered = (
            program
            if isinstance(program, TextFault)
            else program.render(values, GroupFacts(GROUP, GROUP, {}))
        )
        if not isinstance(rendered, TextFault):
            return "".join(segment.text for segment in rendered)
        spot = place._replace(start=rendered.start, end=rendered.end)
        faults.append(Diagnostic("RC523", rendered.message, spot, help=rendered.help))
    if isinstance(item, Mapping):
        return {key: _fill(value, values, place.at(key), faults) for key, value in item.items()}
    if isinstance(item, list):
        return [_fill(value, values, place.at(index), faults) for index, value in enumerate(item)]
    return item


def _placed(diagnostic: Diagnostic, template: Template) -> Diagnostic:
    """The diagnostic without the made-up group: its rule's entry is the template's own file."""

    def real(place: Place) -> Place:
        if place.path != _PATH or not isinstance(place, Pointer):
            return place
        keys = place.keys[2:] if place.keys[:1] == ("rules",) else ()
        return Pointer(template.path, keys if keys[:1] == ("params",) else (template.kind,))

    return replace(
        diagnostic,
        place=real(diagnostic.place) if diagnostic.place is not None else None,
        related=tuple(Related(real(r.place), r.text) for r in diagnostic.related if r.place.path != _PATH),
    )
