from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from rulecompiler import gotemplate
from rulecompiler.checks.annotations import _FAMILIAR
from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity
from tests.checks.compiled import TEMPLATE, a_rule, a_set, entry, found


def test_a_broken_annotation() -> None:
    bad = a_rule(annotations={"summary": "{{ $value | humanise }}"})
    assert found(a_set(bad)) == (
        Diagnostic(
            "RC401",
            "annotation `summary`: `humanise` is not a function of Prometheus' templates",
            Pointer(TEMPLATE, ("annotations", "summary")),
            help="did you mean `humanize`?",
            related=(Related(entry("NodeDown").key(), "compiled for this rule"),),
        ),
    )


def test_a_broken_label() -> None:
    (diagnostic,) = found(a_set(a_rule(labels={"team": "{{ if $value }}"})))
    assert diagnostic.place == Pointer(TEMPLATE, ("labels", "team"))
    assert diagnostic.message == "label `team`: `{{ if $value }}` has no `{{ end }}`"
    assert diagnostic.severity is Severity.ERROR


def test_all_faults_of_a_text_and_all_texts() -> None:
    bad = a_rule(annotations={"a": "{{ $x }} {{ $y }}", "b": "{{ $x }}"}, labels={"a": "{{ $x }}"})
    assert [d.message[:20] for d in found(a_set(bad))] == [
        "annotation `a`: the ",
        "annotation `a`: the ",
        "annotation `b`: the ",
        "label `a`: the varia",
    ]


def test_a_text_of_the_groups_own_is_blamed_on_the_group() -> None:
    place = entry("NodeDown").at("annotations", "summary")
    overrides = {("annotations", "summary"): place}
    rule = a_rule(annotations={"summary": "{{ $value | humanise }}"}, overrides=overrides)
    (diagnostic,) = found(a_set(rule))
    assert (diagnostic.code, diagnostic.place) == ("RC401", place)


def test_a_query_in_an_annotation_is_a_warning() -> None:
    rule = a_rule(annotations={"summary": '{{ query "up" | first | value }}', "a": "{{ $value }} query"})
    (diagnostic,) = found(a_set(rule))
    assert (diagnostic.code, diagnostic.severity) == ("RC404", Severity.WARNING)


def test_a_template_is_reported_once_for_all_its_rules() -> None:
    bad = {"summary": "{{ $x }}"}
    first, second = a_rule("A", annotations=bad), a_rule("B", annotations=bad)
    (diagnostic,) = found(a_set(first, second))
    assert diagnostic.related[0].place == entry("A").key()
    elsewhere = replace(second, template="alerts/templates/other.yaml")
    assert len(found(a_set(first, elsewhere))) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"annotations": {"a": "{{ $value | humanize }}"}},
        {"annotations": {"a": "costs $5 }} {"}},
        {"annotations": {}, "labels": {"a": "{{ $labels.team }}"}},
        {"kind": "record", "annotations": {}, "labels": {"a": "{{ taken literally"}},
    ],
)
def test_no_fault(changes: Mapping[str, Any]) -> None:
    assert found(a_set(a_rule(**changes))) == ()


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("plain", True),
        ("{{ $labels.instance }} is at {{ $value | humanize }}% {ok} }}", True),
        ("{{$value}}", True),
        ("{{ $label.instance }}", False),
        ("{{ $value | humanise }}", False),
        ("{{ $value", False),
        ("{{{ $value }}", False),
        ("{{ if $value }}x{{ end }}", False),
        ("{" * 20_000 + "{{ $value }}" * 5_000, False),
    ],
)
def test_only_what_is_surely_sound_is_not_parsed(text: str, familiar: bool) -> None:
    assert bool(_FAMILIAR.fullmatch(text)) is familiar
    assert not (familiar and gotemplate.check(text))
