"""A document that its schema accepts, made a Template or a Group; what no schema can see is checked here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from rulecompiler import params
from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Document, Group, Matcher, MatchOp, Param, Template
from rulecompiler.words import nearest, show

_OPERATORS: Mapping[str, MatchOp] = {"not": "!=", "matches": "=~", "not_matches": "!~"}


def template(document: Document, name: str) -> tuple[Template | None, tuple[Diagnostic, ...]]:
    """The template of a valid document; `name` is its path under the templates folder, without ending.

    None where a fault was found.
    """
    from rulecompiler import declarations  # not wanted for templates that are known to be sound

    data: Mapping[str, Any] = document.data
    at = Pointer(document.path)
    decoded = sound_template(document, name)
    faults = [
        fault
        for key, param in decoded.params.items()
        for fault in declarations.contradictions(param, at.at("params", key))
    ]
    faults.extend(_durations(data, at, ("for", "keep_firing_for")))
    if not faults:
        faults.extend(_test_params(data, decoded.params, at))
    return (None if faults else decoded), tuple(faults)


def sound_template(document: Document, name: str) -> Template:
    """The same for a document that `template` found no fault in before."""
    data: Mapping[str, Any] = document.data
    kind = "alert" if "alert" in data else "record"
    return Template(
        path=document.path,
        name=name,
        kind="alert" if kind == "alert" else "record",
        rule=data[kind],
        category=data.get("category") or _category(name),
        params={key: _param(key, value) for key, value in (data.get("params") or {}).items()},
        expr=text_of(data["expr"]),
        for_=_duration(data.get("for")),
        keep_firing_for=_duration(data.get("keep_firing_for")),
        labels={k: text_of(v) for k, v in (data.get("labels") or {}).items()},
        annotations={k: text_of(v) for k, v in (data.get("annotations") or {}).items()},
        scope=data.get("scope", True),
        unscoped=frozenset(data.get("unscoped", ())),
        requires=tuple(data.get("requires", ())),
        tests=tuple(data.get("tests") or ()),
        description=data.get("description", ""),
    )


def text_of(value: str | float | bool) -> str:
    """A label's or annotation's value: Prometheus reads a plain number or boolean as its text."""
    if isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "text", value))


def _param(name: str, schema: Mapping[str, Any]) -> Param:
    return Param(name, schema, required="default" not in schema, default=schema.get("default"))


def _category(name: str) -> str:
    """The first folder of a template's name as a category."""
    folder, slash, _ = name.partition("/")
    return re.sub(r"[^a-z0-9_]", "_", folder.lower()) if slash else "default"


def _duration(value: str | int | None) -> str | None:
    """As text; Prometheus reads a plain 0 as a duration too."""
    return "0s" if value == 0 else None if value is None else str(value)


def _test_params(data: Mapping[str, Any], declared: Mapping[str, Param], at: Pointer) -> Iterator[Diagnostic]:
    """Values in tests for parameters that do not exist, or that they do not fit."""
    for index, test in enumerate(data.get("tests") or ()):
        for key, value in (test.get("params") or {}).items():
            place = at.at("tests", index, "params", key)
            if key in declared:
                fault = params.fault(declared[key], value, place, at.at("params", key))
                if fault:
                    yield fault
                continue
            match = nearest(key, declared)
            help_ = f"did you mean `{match}`?" if match else "declare it under the template's `params`"
            yield Diagnostic("RC213", f"the template has no parameter `{key}`", place.key(), help=help_)


def group(document: Document) -> tuple[Group | None, tuple[Diagnostic, ...]]:
    """The group of a valid document; None where a fault was found."""
    data: Mapping[str, Any] = document.data
    at = Pointer(document.path)
    id_ = data["group"]
    faults = list(_group_faults(data, at, PurePosixPath(document.path).stem))
    if faults:
        return None, tuple(faults)
    return (
        Group(
            path=document.path,
            id=id_,
            name=data.get("name", id_),
            parent=data.get("parent"),
            abstract=data.get("abstract", False),
            scope=matchers(data.get("scope", {"group_id": id_})),
            labels=data.get("labels", {}),
            params=data.get("params", {}),
            rules=data.get("rules", {}),
            settings={
                key: int(data[key]) if isinstance(data[key], float) else data[key]
                for key in ("interval", "limit", "query_offset")
                if key in data
            },
        ),
        (),
    )


def matchers(scope: Mapping[str, Any]) -> tuple[Matcher, ...]:
    """A scope, or a rule's `where`, as the schema allows it: sorted by label, one matcher a label."""
    return tuple(_matcher(label, scope[label]) for label in sorted(scope))


def _matcher(label: str, value: str | Mapping[str, str]) -> Matcher:
    if isinstance(value, str):
        return Matcher(label, "=", value)
    ((operator, text),) = value.items()
    return Matcher(label, _OPERATORS[operator], text)


def _group_faults(data: Mapping[str, Any], at: Pointer, stem: str) -> Iterator[Diagnostic]:
    if data["group"] != stem:
        yield Diagnostic(
            "RC212",
            f"the group `{data['group']}` stands in a file that is named `{stem}`",
            at.at("group"),
            help=f"rename the file to `{data['group']}.yaml`, or the group to the file's name",
        )
    yield from _durations(data, at, ("interval", "query_offset"))
    yield from _regexes(data.get("scope", {}), at.at("scope"))
    for key, entry in data.get("rules", {}).items():
        if not entry:
            continue
        if "for" in entry or "keep_firing_for" in entry:
            yield from _durations(entry, at.at("rules", key), ("for", "keep_firing_for"))
        if entry.get("where"):
            yield from _regexes(entry["where"], at.at("rules", key, "where"))
        elif entry.get("instead_of"):
            yield Diagnostic(
                "RC209",
                "`instead_of` needs a `where`, not null",
                at.at("rules", key, "where"),
                help="say with `where` for which slice of the group this rule stands in",
            )


def _durations(data: Mapping[str, Any], at: Pointer, keys: tuple[str, ...]) -> Iterator[Diagnostic]:
    """Durations of the right form that are longer than Prometheus can count."""
    for key in keys:
        value = data.get(key)
        if isinstance(value, str) and "${" not in value and not params.is_duration(value):
            yield Diagnostic(
                "RC206",
                f"`{key}` is {show(value)}, which is longer than Prometheus can count",
                at.at(key),
                help="write less than 292 years",
            )


def _regexes(scope: Mapping[str, Any], at: Pointer) -> Iterator[Diagnostic]:
    for label, value in scope.items():
        for operator in ("matches", "not_matches"):
            if isinstance(value, dict) and operator in value and not params.is_regex(value[operator]):
                yield Diagnostic(
                    "RC206",
                    f"`{label}` {operator.replace('_', ' ')} {show(value[operator])}, "
                    "which is not a regular expression",
                    at.at(label, operator),
                    help="Prometheus reads regular expressions in RE2's syntax",
                )
