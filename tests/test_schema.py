from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from rulecompiler import schema
from rulecompiler.diagnostics import Pointer
from rulecompiler.document import parse
from rulecompiler.model import Document, Source
from rulecompiler.schema import faults as schema_faults
from rulecompiler.schema.acceptor import compile_schema

KINDS: tuple[schema.Kind, ...] = get_args(schema.Kind)
EXAMPLES = Path(__file__).parent / "schema"


def group(**keys: Any) -> Document:
    return Document("g.yaml", {"group": "g", **keys})


def template(**keys: Any) -> Document:
    return Document("t.yaml", {"alert": "A", "expr": "up", **keys})


def subschemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from subschemas(item)


@pytest.mark.parametrize("kind", KINDS)
class TestSchemaFiles:
    def test_are_json_schema_2020_12(self, kind: schema.Kind) -> None:
        Draft202012Validator.check_schema(schema.load(kind))
        assert schema.load(kind)["$schema"].endswith("2020-12/schema")

    def test_text_is_what_is_loaded(self, kind: schema.Kind) -> None:
        assert json.loads(schema.text(kind)) == schema.load(kind)

    def test_help_is_there_for_every_key(self, kind: schema.Kind) -> None:
        for part in subschemas(schema.load(kind)):
            for key, declared in part.get("properties", {}).items():
                if isinstance(declared, dict) and "not" not in declared and key != "properties":
                    assert declared.get("title"), key
                    assert declared.get("description"), key

    def test_no_key_is_let_through_unknown(self, kind: schema.Kind) -> None:
        for part in subschemas(schema.load(kind)):
            known = part.get("properties")
            if known and "type" in part and isinstance(part["type"], str | list):
                assert "additionalProperties" in part, sorted(known)

    def test_own_examples_and_defaults_are_valid(self, kind: schema.Kind) -> None:
        root = schema.load(kind)
        for part in subschemas(root.get("properties", {})):
            values = [*part.get("examples", []), *([part["default"]] if "default" in part else [])]
            if isinstance(part.get("examples", []), list) and ("type" in part or "$ref" in part):
                for value in values:
                    checked = {**part, "$defs": root.get("$defs", {})}
                    assert Draft202012Validator(checked).is_valid(value), value


class TestValidate:
    def test_valid_documents_need_no_jsonschema(self) -> None:
        code = (
            "import sys; from rulecompiler import schema, decode; from rulecompiler.model import Document;"
            "assert schema.validate('group', Document('g.yaml', {'group': 'g', 'rules': {'A': {}}})) == ();"
            "assert 'jsonschema' not in sys.modules"
        )

        subprocess.run([sys.executable, "-c", code], check=True)

    def test_all_faults_at_once_and_each_once(self) -> None:
        found = schema.validate("group", group(limit=-1, rules={"A": {"enabled": "no", "parms": {}}}, x=1))

        assert sorted(d.code for d in found) == ["RC201", "RC201", "RC203", "RC204"]
        assert len({d.place for d in found}) == 4

    def test_a_fault_is_at_its_own_place(self) -> None:
        (found,) = schema.validate("group", group(rules={"A": {"params": {}, "treshold": 1}}))
        assert found.place == Pointer("g.yaml", ("rules", "A", "treshold"), on_key=True)

        (found,) = schema.validate("template", template(unscoped=["up", 5]))
        assert found.place == Pointer("t.yaml", ("unscoped", 1))

    @pytest.mark.parametrize("data", [None, [], [1], "x", 5, True, 1.5])
    @pytest.mark.parametrize("kind", ["template", "group"])
    def test_a_document_that_is_no_mapping_is_one_fault(self, kind: schema.Kind, data: Any) -> None:
        (found,) = schema.validate(kind, Document("x.yaml", data))

        assert found.code == "RC203"
        assert found.place == Pointer("x.yaml")

    def test_the_end_of_a_text_is_its_end(self) -> None:
        (found,) = schema.validate("group", Document("g.yaml", {"group": "g\n"}))
        assert found.code == "RC206"

    @pytest.mark.parametrize("size", [10_000, 100_000])
    def test_long_values_are_refused_in_no_time_and_not_repeated(self, size: int) -> None:
        found = schema.validate("group", group(parent="a" * size, name="b" * size, interval="1" * size))

        assert len(found) == 3
        assert all(len(d.message) < 250 for d in found)

    def test_a_document_that_only_the_fast_check_refuses_is_a_bug(self) -> None:
        with pytest.raises(RuntimeError, match="jsonschema finds no fault"):
            schema_faults.explain("group", schema.load("group"), group())


@lru_cache
def documents(kind: str) -> list[Any]:
    """The data of all example files of a kind."""
    found = []
    for path in sorted(EXAMPLES.glob(f"*/{kind}/*.yaml")):
        document, _ = parse(Source(path.name, path.read_text("utf-8")))
        if document is not None:
            found.append(document.data)
    return found


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


SPOILT = st.sampled_from(
    [None, True, 0, 1, -1, 0.5, 2.0, "", "x", "5m", "no", "a/b", "a\n", [], ["x"], [1, 1], {}, {"x": 1}]
)


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_fast_check_agrees_with_jsonschema(kind: schema.Kind, data: st.DataObject) -> None:
    document = deepcopy(data.draw(st.sampled_from(documents(kind))))
    for _ in range(data.draw(st.integers(0, 3))):
        spots = list(places(document))[1:]
        if not spots:
            break
        *path, key = data.draw(st.sampled_from(spots))
        at = document
        for step in path:
            at = at[step]
        how = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if how == "replace":
            at[key] = deepcopy(data.draw(SPOILT))
        elif how == "remove":
            del at[key]
        elif isinstance(at, dict):
            added = data.draw(st.sampled_from(["x", "for", "where", "a b", "__a", "a/b", "in"]))
            at[added] = deepcopy(data.draw(SPOILT))
    slow = schema_faults._Validator(schema.load(kind)).is_valid(document)

    found = schema.validate(kind, Document("x.yaml", document))

    assert (found == ()) is slow


class TestAcceptor:
    @pytest.mark.parametrize("keyword", ["patternProperties", "contains", "typ"])
    def test_an_unknown_keyword_is_a_bug(self, keyword: str) -> None:
        with pytest.raises(ValueError, match=keyword):
            compile_schema({keyword: {}})

    def test_an_enum_of_other_than_texts_is_a_bug(self) -> None:
        with pytest.raises(ValueError, match="only an enum of texts"):
            compile_schema({"enum": [1]})

    @pytest.mark.parametrize(
        ("declared", "value"),
        [
            ({"type": "integer"}, True),
            ({"type": "integer"}, 5.0),
            ({"type": "number"}, False),
            ({"type": ["string", "integer"]}, 1.5),
            ({"minimum": 1}, "x"),
            ({"uniqueItems": True}, [1, True]),
            ({"uniqueItems": True}, [1, 1]),
            ({"uniqueItems": False}, [1, 1]),
            ({"not": {}}, 1),
            (True, 1),
            (False, 1),
            ({}, 1),
        ],
    )
    def test_reads_values_as_json_schema_does(self, declared: Any, value: Any) -> None:
        assert compile_schema(declared)(value) is Draft202012Validator(declared).is_valid(value)


def test_jsonschema_is_extended_by_the_right_end_of_text_only() -> None:
    validator = extend(Draft202012Validator, {})  # type: ignore[no-untyped-call]
    assert schema_faults._Validator.VALIDATORS.keys() == validator.VALIDATORS.keys()
