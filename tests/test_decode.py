from __future__ import annotations

from typing import Any

import pytest

from rulecompiler import decode
from rulecompiler.diagnostics import Pointer
from rulecompiler.document import parse
from rulecompiler.model import Document, Group, Matcher, Param, Source, Template


def template(name: str = "node/X", **keys: Any) -> Template:
    decoded, faults = decode.template(Document("t.yaml", {"expr": "up", **keys}), name)
    assert faults == ()
    assert decoded is not None
    return decoded


def group(**keys: Any) -> Group:
    decoded, faults = decode.group(Document("alerts/groups/g-1.yaml", {"group": "g-1", **keys}))
    assert faults == ()
    assert decoded is not None
    return decoded


class TestTemplate:
    def test_defaults(self) -> None:
        assert template(alert="A") == Template(
            path="t.yaml",
            name="node/X",
            kind="alert",
            rule="A",
            category="node",
            params={},
            expr="up",
            for_=None,
            keep_firing_for=None,
            labels={},
            annotations={},
            scope=True,
            unscoped=frozenset(),
            requires=(),
            tests=(),
            description="",
        )

    def test_everything(self) -> None:
        declared = {"type": "number", "default": 5}
        test: dict[str, Any] = {"input_series": []}

        assert template(
            alert="A",
            description="text",
            category="cpu",
            params={"a": declared, "b": {"type": "string"}},
            **{"for": "${a}m"},
            keep_firing_for="5m",
            labels={"severity": "x"},
            annotations={"summary": "y"},
            scope=False,
            unscoped=["up", "down"],
            requires=["B", "C"],
            tests=[test],
        ) == Template(
            path="t.yaml",
            name="node/X",
            kind="alert",
            rule="A",
            category="cpu",
            params={
                "a": Param("a", declared, required=False, default=5),
                "b": Param("b", {"type": "string"}, required=True),
            },
            expr="up",
            for_="${a}m",
            keep_firing_for="5m",
            labels={"severity": "x"},
            annotations={"summary": "y"},
            scope=False,
            unscoped=frozenset({"up", "down"}),
            requires=("B", "C"),
            tests=(test,),
            description="text",
        )

    def test_record(self) -> None:
        decoded = template(record="a:b")
        assert (decoded.kind, decoded.rule) == ("record", "a:b")

    @pytest.mark.parametrize("key", ["labels", "annotations", "params", "tests", "for"])
    def test_an_empty_field_of_a_pasted_rule_is_none_at_all(self, key: str) -> None:
        given: dict[str, Any] = {key: None}
        assert template(alert="A", **given) == template(alert="A")

    @pytest.mark.parametrize("written", ["1e3", "0.50", "+5", "0x1F", "-1", "99.9", "1."])
    def test_a_plain_number_keeps_its_text(self, written: str) -> None:
        source = Source("t.yaml", f"alert: A\nexpr: {written}\nlabels: {{a: {written}}}\n")
        parsed, _ = parse(source)
        assert parsed is not None
        decoded, _ = decode.template(parsed, "x")
        assert decoded is not None
        assert (decoded.expr, decoded.labels) == (written, {"a": written})

    @pytest.mark.parametrize(
        ("value", "text"), [(3, "3"), (True, "true"), (0.5, "0.5"), (-5, "-5"), ("1.0", "1.0")]
    )
    def test_plain_values_are_text(self, value: Any, text: str) -> None:
        assert template(alert="A", labels={"a": value}).labels == {"a": text}
        assert template(alert="A", annotations={"a": value}).annotations == {"a": text}

    def test_a_plain_zero_is_a_duration(self) -> None:
        given: dict[str, Any] = {"for": 0}
        assert template(alert="A", **given).for_ == "0s"

    @pytest.mark.parametrize(
        ("name", "category"),
        [
            ("HighCPU", "default"),
            ("node/HighCPU", "node"),
            ("node-exporter/cpu/HighCPU", "node_exporter"),
            ("GPU nodes/X", "gpu_nodes"),
        ],
    )
    def test_category_from_the_first_folder(self, name: str, category: str) -> None:
        assert template(name, alert="A").category == category

    def test_all_faults_at_once(self) -> None:
        data = {
            "alert": "A",
            "expr": "up",
            "for": "999y",
            "params": {"a": {"type": "number", "default": "x"}, "b": {"type": "string", "maximum": 1}},
        }

        decoded, faults = decode.template(Document("t.yaml", data), "x")

        assert decoded is None
        assert [found.code for found in faults] == ["RC203", "RC211", "RC206"]


class TestGroup:
    def test_defaults(self) -> None:
        assert group() == Group(
            path="alerts/groups/g-1.yaml",
            id="g-1",
            name="g-1",
            parent=None,
            abstract=False,
            scope=(Matcher("group_id", "=", "g-1"),),
            labels={},
            params={},
            rules={},
        )

    def test_everything(self) -> None:
        rules = {"B": None, "A": {"params": {"x": 1}}}

        decoded = group(
            name="production",
            parent="base",
            abstract=True,
            scope={"zone": "a", "cluster": {"matches": "c.*"}},
            labels={"team": None},
            interval="30s",
            limit=5.0,
            query_offset="0",
            params={"x": None},
            rules=rules,
        )

        assert decoded == Group(
            path="alerts/groups/g-1.yaml",
            id="g-1",
            name="production",
            parent="base",
            abstract=True,
            scope=(Matcher("cluster", "=~", "c.*"), Matcher("zone", "=", "a")),
            labels={"team": None},
            settings={"interval": "30s", "limit": 5, "query_offset": "0"},
            params={"x": None},
            rules=rules,
        )
        assert type(decoded.settings["limit"]) is int
        assert list(decoded.rules) == ["B", "A"]

    def test_an_empty_scope_holds_everything(self) -> None:
        assert group(scope={}).scope == ()

    @pytest.mark.parametrize(
        ("written", "matcher"),
        [
            ("v", Matcher("a", "=", "v")),
            ({"not": "v"}, Matcher("a", "!=", "v")),
            ({"matches": "v"}, Matcher("a", "=~", "v")),
            ({"not_matches": "v"}, Matcher("a", "!~", "v")),
        ],
    )
    def test_matchers(self, written: Any, matcher: Matcher) -> None:
        assert decode.matchers({"a": written}) == (matcher,)

    @pytest.mark.parametrize(
        ("keys", "code", "place"),
        [
            ({"group": "other"}, "RC212", ("group",)),
            ({"interval": "999y"}, "RC206", ("interval",)),
            ({"scope": {"a": {"matches": "("}}}, "RC206", ("scope", "a", "matches")),
            ({"rules": {"A": {"for": "999y"}}}, "RC206", ("rules", "A", "for")),
            (
                {"rules": {"A": {"where": {"a": {"not_matches": "["}}}}},
                "RC206",
                ("rules", "A", "where", "a", "not_matches"),
            ),
            ({"rules": {"A": {"where": None, "instead_of": "B"}}}, "RC209", ("rules", "A", "where")),
        ],
    )
    def test_faults(self, keys: dict[str, Any], code: str, place: tuple[str, ...]) -> None:
        decoded, (found,) = decode.group(Document("g-1.yml", {"group": "g-1", **keys}))

        assert decoded is None
        assert found.code == code
        assert found.place == Pointer("g-1.yml", place)
