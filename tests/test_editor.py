from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rulecompiler import decode, editor, schema
from rulecompiler.model import Document, Group, Template


def template(name: str, rule: str, params: dict[str, Any], description: str = "") -> Template:
    data = {"alert": rule, "expr": "up", "params": params, "description": description}
    decoded, faults = decode.template(Document(f"{name}.yaml", data), name)
    assert decoded is not None, faults
    return decoded


def group(id_: str, **keys: Any) -> Group:
    decoded, faults = decode.group(Document(f"{id_}.yaml", {"group": id_, **keys}))
    assert decoded is not None, faults
    return decoded


TEMPLATES = [
    template(
        "node/cpu",
        "HighCPU",
        {
            "threshold": {
                "type": "number",
                "minimum": 0,
                "maximum": 100,
                "default": 80,
                "description": "busy CPU",
            },
            "window": {"type": "string", "format": "duration", "default": "5m"},
        },
        "A node is busy.",
    ),
    template(
        "node/disk", "DiskFull", {"threshold": {"type": "integer"}, "mode": {"type": "string", "enum": ["a"]}}
    ),
    template("gpu/cpu", "Twice", {"temperature": {"type": "number", "default": 80}}),
    template("gpu/cpu-2", "Twice", {"by": {"type": "string", "format": "label", "default": "gpu"}}),
    template("gpu cpu", "Spaced", {}),
]
GROUPS = [
    group("base", scope={}, rules={"HighCPU": {}, "Hot": {"template": "gpu/cpu"}}),
    group("child", parent="base", rules={"Hot": {"params": {"temperature": 90}}}),
]
SCHEMA = editor.group_schema(TEMPLATES, GROUPS)


def valid(**keys: Any) -> bool:
    accepted: bool = Draft202012Validator(SCHEMA).is_valid({"group": "g", **keys})
    return accepted


def test_is_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"parent": "base"},
        {"params": {"threshold": 5, "window": "10m", "temperature": None}},
        {"params": {"threshold": 5.5}},
        {"rules": {"HighCPU": None}},
        {"rules": {"HighCPU": {"params": None}}},
        {"rules": {"HighCPU": {"params": {"threshold": 80.5, "window": "1h30m"}}}},
        {"rules": {"HighCPU": {"params": {"threshold": None}}}},
        {"rules": {"HighCPU": {"template": None, "params": {"threshold": 5}}}},
        {"rules": {"HighCPU": {"template": "DiskFull", "params": {"threshold": 500, "mode": "a"}}}},
        {"rules": {"DiskFull": {"params": {"threshold": 5, "mode": None}}}},
        {"rules": {"Free": {"template": "node/cpu", "params": {"threshold": 5}}}},
        {"rules": {"Free": {"template": "gpu cpu"}}},
        {"rules": {"Hot": {"params": {"temperature": 70}}}},
        {"rules": {"Inherited": {"params": {"anything": [1]}}}},
        {"rules": {"Slice": {"template": "HighCPU", "where": {"a": "b"}, "instead_of": "Other"}}},
        {"rules": {"Slice": {"template": "HighCPU", "where": None, "instead_of": None}}},
    ],
)
def test_accepts(keys: dict[str, Any]) -> None:
    assert valid(**keys)
    assert schema.validate("group", Document("g.yaml", {"group": "g", **keys})) == ()


@pytest.mark.parametrize(
    "keys",
    [
        {"x": 1},
        {"parent": "nobody"},
        {"params": {"treshold": 5}},
        {"params": {"window": "5 minutes"}},
        {"rules": {"HighCPU": {"params": {"threshold": 180}}}},
        {"rules": {"HighCPU": {"params": {"window": "5"}}}},
        {"rules": {"HighCPU": {"params": {"mode": "a"}}}},
        {"rules": {"DiskFull": {"params": {"threshold": 5.5}}}},
        {"rules": {"DiskFull": {"params": {"mode": "b"}}}},
        {"rules": {"HighCPU": {"template": "DiskFull", "params": {"window": "5m"}}}},
        {"rules": {"Free": {"template": "Unknown"}}},
        {"rules": {"Free": {"template": "Twice"}}},
        {"rules": {"Free": {"template": "HighCPU", "params": {"threshold": 180}}}},
        {"rules": {"Free": {"template": "node/cpu", "params": {"threshold": 180}}}},
        {"rules": {"Free": {"template": "gpu cpu", "params": {"threshold": 1}}}},
        {"rules": {"Free": {"template": "gpu/cpu-2", "params": {"by": "a-b"}}}},
        {"rules": {"Hot": {"params": {"threshold": 90}}}},
        {"rules": {"HighCPU": {"parms": {}}}},
    ],
)
def test_refuses(keys: dict[str, Any]) -> None:
    assert not valid(**keys)


def test_offers_names_and_help() -> None:
    rules = SCHEMA["properties"]["rules"]["properties"]
    params = SCHEMA["$defs"]["params-node-cpu"]["properties"]

    assert list(rules) == ["DiskFull", "HighCPU", "Hot", "Spaced", "gpu cpu"]
    assert rules["HighCPU"]["description"] == "A node is busy."
    assert SCHEMA["$defs"]["rule"]["properties"]["template"]["enum"] == [
        "DiskFull",
        "HighCPU",
        "Spaced",
        "gpu cpu",
        "gpu/cpu",
        "gpu/cpu-2",
        "node/cpu",
        "node/disk",
        None,
    ]
    assert params["threshold"] == {
        "type": ["number", "null"],
        "minimum": 0,
        "maximum": 100,
        "default": 80,
        "description": "busy CPU",
    }
    assert "(required)" in SCHEMA["$defs"]["params-node-disk"]["properties"]["threshold"]["description"]
    assert SCHEMA["properties"]["parent"]["enum"] == ["base", "child"]


def test_an_empty_repo_gives_a_schema_that_accepts_a_group() -> None:
    empty = editor.group_schema([], [])

    Draft202012Validator.check_schema(empty)
    assert Draft202012Validator(empty).is_valid(
        {"group": "g", "parent": "p", "rules": {"A": {"template": "b"}}}
    )


def test_names_that_look_alike_keep_their_own_parameters() -> None:
    alike = [
        template("a/b", "X", {"x": {"type": "number"}}),
        template("a b", "Y", {"y": {"type": "number"}}),
        template("a+b", "Z", {"z": {"type": "number"}}),
    ]
    found = Draft202012Validator(editor.group_schema(alike, []))

    for name, param in [("a/b", "x"), ("a b", "y"), ("a+b", "z")]:
        for given in "xyz":
            entry = {"template": name, "params": {given: 1}}
            assert found.is_valid({"group": "g", "rules": {"R": entry}}) is (given == param)


def test_a_pattern_for_re2_alone_is_left_to_the_compiler() -> None:
    odd = template("a", "A", {"x": {"type": "string", "pattern": r"^\pL+$"}})
    found = editor.group_schema([odd], [])

    assert Draft202012Validator(found).is_valid({"group": "g", "rules": {"A": {"params": {"x": "5"}}}})


def test_lists_keep_what_their_values_must_be() -> None:
    items = {"type": "string", "format": "label"}
    declared = template("a", "A", {"x": {"type": "array", "items": items, "default": ["b"]}})
    found = Draft202012Validator(editor.group_schema([declared], []))

    assert found.is_valid({"group": "g", "rules": {"A": {"params": {"x": ["c"]}}}})
    assert not found.is_valid({"group": "g", "rules": {"A": {"params": {"x": ["c-d"]}}}})


def test_the_order_of_files_changes_nothing() -> None:
    assert editor.text(editor.group_schema(TEMPLATES[::-1], GROUPS[::-1])) == editor.text(SCHEMA)


def test_the_shipped_schema_stays_as_it_was() -> None:
    before = schema.text("group")
    editor.group_schema(TEMPLATES, GROUPS)

    assert json.loads(before) == schema.load("group")
