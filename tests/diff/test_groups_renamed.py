"""Which new group is an old one under another id."""

from __future__ import annotations

import pytest

from rulecompiler.compiler import read_group
from rulecompiler.diff.matching import renamed_groups
from rulecompiler.model import Group, Source

RULES = "rules: {A: {for: 1m}, B: {params: {threshold: 3}}, C: {}}\n"


def group(id_: str, text: str) -> Group:
    found, faults = read_group(Source(f"alerts/groups/{id_}.yaml", f"group: {id_}\n{text}"))
    assert found is not None, faults
    return found


@pytest.mark.parametrize(
    ("gone", "added", "expected"),
    [
        ({"a": RULES}, {"b": RULES}, {"b": "a"}),
        ({"a": f"name: Shop\n{RULES}"}, {"b": f"name: Shop\n{RULES}"}, {"b": "a"}),
        ({"a": RULES}, {"b": RULES.replace("3", "4")}, {}),  # half of it is another
        ({"a": f"labels: {{team: x}}\n{RULES}"}, {"b": f"labels: {{team: y}}\n{RULES}"}, {"b": "a"}),
        ({"a": "scope: {c: x}\n" + RULES}, {"b": "scope: {c: x}\n" + RULES}, {"b": "a"}),
        # Nothing but a team's label in common says nothing.
        ({"a": "labels: {team: x}\nrules: {}\n"}, {"b": "labels: {team: x}\nrules: {}\n"}, {}),
        ({"a": "rules: {}\n"}, {"b": "rules: {}\n"}, {}),
        ({"a": RULES}, {"b": "rules: {X: {}}\n"}, {}),
        ({"a": RULES, "b": "rules: {X: {for: 1m}}\n"}, {"c": "rules: {X: {for: 1m}}\n", "d": RULES},
         {"c": "b", "d": "a"}),
        # Of two that could be meant the likelier.
        ({"a": RULES}, {"b": f"labels: {{team: x}}\n{RULES}", "c": RULES}, {"c": "a"}),
        # Two alike, one gone: nobody can tell which, so neither is.
        ({"a": RULES, "b": RULES}, {"c": RULES}, {}),
        ({"a": RULES}, {"b": RULES, "c": RULES}, {}),
    ],
)  # fmt: skip
def test_renamed(gone: dict[str, str], added: dict[str, str], expected: dict[str, str]) -> None:
    found = renamed_groups([group(*g) for g in gone.items()], [group(*g) for g in added.items()])

    assert found == expected


def test_a_thousand_renamed_at_once_are_found_without_comparing_each_with_each() -> None:
    texts = [f"name: Service {n}\n{RULES}" for n in range(1000)]
    gone = [group(f"a{n}", text) for n, text in enumerate(texts)]
    added = [group(f"b{n}", text) for n, text in enumerate(texts)]

    assert renamed_groups(gone, added) == {f"b{n}": f"a{n}" for n in range(1000)}
