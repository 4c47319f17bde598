"""The group schema that knows a repo: an editor completes and checks names and parameters with it.

It only ever narrows the shipped group schema, which stays the judge: an editor that has an old
copy of this one must not lead anybody astray about files that are fine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from rulecompiler import schema
from rulecompiler.model import Group, Param, Template

Schema = dict[str, Any]


def group_schema(templates: Iterable[Template], groups: Iterable[Group]) -> Schema:
    """A JSON Schema 2020-12 for the group files of exactly this repo; the same input, the same order."""
    known = sorted(templates, key=lambda template: template.name)
    present = sorted(groups, key=lambda group: group.id)
    result: Schema = deepcopy(dict(schema.load("group")))
    result["title"] += ", with what this repo knows"
    named = _names(known)
    references = _references(known)
    for template in known:
        result["$defs"][references[template.name]] = _params_of(template)
    if present:
        _only(result["properties"]["parent"], [group.id for group in present])
    result["properties"]["params"].update(_union(known), additionalProperties=False)
    keys = _rule_keys(named, present)
    rule = result["$defs"]["rule"]
    rule["properties"]["instead_of"].update(anyOf=[{"enum": sorted(keys)}, {"type": ["string", "null"]}])
    if named:
        _only(rule["properties"]["template"], [*sorted(named), None])
        rule["allOf"] = [
            _where_template_is(
                sorted(name for name, found in named.items() if found is template), references[template.name]
            )
            for template in known
        ]
    result["properties"]["rules"]["properties"] = {
        key: _rule_named(keys[key], references) for key in sorted(keys)
    }
    return result


def text(group_schema: Schema) -> str:
    """The schema as the text of a file."""
    return json.dumps(group_schema, indent=2, ensure_ascii=False) + "\n"


def _only(declared: Schema, values: list[Any]) -> None:
    """Allow these values alone, which makes the words about a wrong form superfluous."""
    for keyword in ("pattern", "patternErrorMessage", "examples"):
        declared.pop(keyword, None)
    declared["enum"] = values


def _names(templates: list[Template]) -> Mapping[str, Template]:
    """What a group may call each template: its path, and its rule's name where that is unique."""
    paths = {template.name: template for template in templates}
    rules: dict[str, list[Template]] = {}
    for template in templates:
        rules.setdefault(template.rule, []).append(template)
    return {rule: found[0] for rule, found in rules.items() if len(found) == 1} | paths


def _references(templates: list[Template]) -> Mapping[str, str]:
    """A key under `$defs` for each template's parameters, which needs no escaping in a `$ref`."""
    taken: dict[str, str] = {}
    for template in templates:
        key = plain = "params-" + re.sub(r"[^A-Za-z0-9_.-]+", "-", template.name)
        number = 1
        while key in taken:
            number += 1
            key = f"{plain}-{number}"
        taken[key] = template.name
    return {name: key for key, name in taken.items()}


def _rule_keys(named: Mapping[str, Template], groups: list[Group]) -> Mapping[str, list[Template]]:
    """Each rule name with the templates that it may stand for where its entry does not say."""
    keys: dict[str, list[Template]] = {name: [named[name]] for name in named if "/" not in name}
    for group in groups:
        for key, entry in group.rules.items():
            found = keys.setdefault(key, [])
            template = named.get((entry or {}).get("template") or key)
            if template is not None and template not in found:
                found.append(template)
    return keys


def _params_of(template: Template) -> Schema:
    return {
        "title": f"Parameters of {template.rule}",
        "description": template.description or f"The parameters of {template.name}.",
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {name: _value(param) for name, param in sorted(template.params.items())},
    }


def _value(param: Param) -> Schema:
    """A parameter's declaration as a group may fill it: null is the template's own value."""
    declared = _in_editors_terms(param.schema)
    declared["type"] = [declared["type"], "null"]
    if "enum" in declared:
        declared["enum"] = [*declared["enum"], None]
    if "items" in declared:
        declared["items"] = _in_editors_terms(declared["items"])
    if param.required:
        declared["description"] = f"{declared.get('description', '')} (required)".lstrip()
    return declared


def _in_editors_terms(declared: Mapping[str, Any]) -> Schema:
    """Without `format`, whose names mean nothing or other things to editors; a pattern stands for it."""
    result = deepcopy(dict(declared))
    definitions = schema.load("group")["$defs"]
    source = {"duration": "duration", "label": "annotationName"}.get(result.pop("format", ""))
    if "pattern" in result:
        try:
            re.compile(result["pattern"])
        except re.error:  # fine for RE2, but not for the usual editors
            del result["pattern"]
    elif source:
        result["pattern"] = definitions[source]["pattern"]
        if source == "duration":
            result["patternErrorMessage"] = definitions[source]["patternErrorMessage"]
    return result


def _union(templates: list[Template]) -> Schema:
    """Group-wide parameters: all that there are, one of several declarations being enough."""
    declared: dict[str, list[Schema]] = {}
    for template in templates:
        for name, param in template.params.items():
            value = _value(param)
            found = declared.setdefault(name, [])
            if value not in found:
                found.append(value)
    return {
        "properties": {
            name: found[0] if len(found) == 1 else {"anyOf": found}
            for name, found in sorted(declared.items())
        }
    }


def _where_template_is(names: list[str], reference: str) -> Schema:
    return {
        "if": {"required": ["template"], "properties": {"template": {"enum": names}}},
        "then": {"properties": {"params": {"$ref": f"#/$defs/{reference}"}}},
    }


def _rule_named(templates: list[Template], references: Mapping[str, str]) -> Schema:
    """The entry of a rule of a known name, whose template is known unless the entry says another."""
    entry: Schema = {"allOf": [{"$ref": "#/$defs/rule"}]}
    if not templates:
        return entry
    choices = [{"$ref": f"#/$defs/{references[template.name]}"} for template in templates]
    entry["title"] = " or ".join(template.name for template in templates)
    if len(templates) == 1 and templates[0].description:
        entry["description"] = templates[0].description
    entry["allOf"].append(
        {
            "if": {"required": ["template"], "properties": {"template": {"type": "string"}}},
            "else": {"properties": {"params": choices[0] if len(choices) == 1 else {"anyOf": choices}}},
        }
    )
    return entry
