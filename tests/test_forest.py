from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace

import pytest

from rulecompiler.diagnostics import Pointer
from rulecompiler.forest import plant
from rulecompiler.model import Group
from tests.helpers import codes, compile_repo, make_group

BARE = make_group("bare")


def groups(tree: str) -> list[Group]:
    """Groups written as `id` or `id<parent`."""
    made = []
    for word in tree.split():
        id_, _, parent = word.partition("<")
        made.append(replace(BARE, id=id_, path=f"{id_}.yaml", parent=parent or None))
    return made


def ids(found: Iterable[Group]) -> list[str]:
    return sorted(g.id for g in found)


def test_chain_and_root() -> None:
    forest, faults = plant(groups("c<b b<a a x"))

    assert faults == ()
    assert ids(forest) == ["a", "b", "c", "x"]
    assert [g.id for g in forest.chain("c")] == ["a", "b", "c"]
    assert [g.id for g in forest.chain("a")] == ["a"]
    assert [forest.root(id_) for id_ in "abcx"] == ["a", "a", "a", "x"]


@pytest.mark.parametrize(
    ("tree", "found", "left"),
    [
        ("", [], []),
        ("a<gone", ["RC311"], []),
        ("a<gone b<a c<b", ["RC311"], []),  # the children are left out in silence
        ("c<b b<a a<gone", ["RC311"], []),
        ("a<gone b<gone", ["RC311", "RC311"], []),
        ("a<a", ["RC312"], []),
        ("a<b b<a", ["RC312"], []),
        ("a<b b<c c<a", ["RC312"], []),
        ("a<b b<c c<a d<a e<d", ["RC312"], []),
        ("e<d d<a a<b b<a", ["RC312"], []),
        ("a<b b<a c<d d<c x", ["RC312", "RC312"], ["x"]),
        ("a b<a c<gone", ["RC311"], ["a", "b"]),
    ],
)
def test_faults(tree: str, found: list[str], left: list[str]) -> None:
    forest, faults = plant(groups(tree))

    assert codes(faults) == found
    assert ids(forest) == left


def test_a_circle_is_told_with_all_its_members_and_no_others() -> None:
    (fault,) = plant(groups("z<a a<b b<c c<a"))[1]

    assert fault.message.endswith("in a circle: a → b → c → a")
    assert fault.place == Pointer("a.yaml", ("parent",))
    assert [r.place.path for r in fault.related] == ["b.yaml", "c.yaml"]


def test_a_missing_parent_is_told_with_the_nearest_name() -> None:
    (fault,) = plant(groups("production a<prodution"))[1]

    assert fault.help == "did you mean `production`?"
    assert fault.place == Pointer("a.yaml", ("parent",))


def test_the_first_file_of_an_id_counts() -> None:
    first, second = (replace(BARE, path=f"{folder}/bare.yaml") for folder in "ab")
    forest, (fault,) = plant([second, first])

    assert list(forest) == [first]
    assert fault.code == "RC310"
    assert fault.place == Pointer("b/bare.yaml", ("group",))
    assert fault.related[0].place.path == "a/bare.yaml"


def test_children_of_a_broken_group_are_left_out_in_silence() -> None:
    forest, faults = plant(groups("b<broken c<b x"), broken=["broken"])

    assert faults == ()
    assert ids(forest) == ["x"]


def test_a_broken_twin_does_not_hide_a_good_group() -> None:
    forest, faults = plant(groups("a b<a"), broken=["a"])

    assert faults == ()
    assert ids(forest) == ["a", "b"]


def test_the_order_of_the_files_changes_nothing() -> None:
    tree = groups("a b<a c<b d<gone e<d x<y y<x")
    forward, backward = plant(tree), plant(reversed(tree))

    assert list(forward[0]) == list(backward[0])
    assert forward[1] == backward[1]


@pytest.mark.parametrize("forward", [True, False])
def test_three_thousand_levels(forward: bool) -> None:
    chain = groups("g0000 " + " ".join(f"g{n:04}<g{n - 1:04}" for n in range(1, 3000)))
    if not forward:
        chain = [replace(g, path=f"{9999 - n}.yaml") for n, g in enumerate(chain)]
    started = time.process_time()
    forest, faults = plant(chain)

    assert faults == ()
    assert len(forest.groups) == 3000
    assert len(forest.chain("g2999")) == 3000
    assert time.process_time() - started < 15


def test_many_levels_compile() -> None:
    texts = {"g0": "rules: {A: {}}"} | {f"g{n}": f"parent: g{n - 1}" for n in range(1, 400)}
    started = time.process_time()
    compilation = compile_repo({"A": "{alert: A, expr: up, labels: {severity: page}}"}, texts)

    assert compilation.diagnostics == ()
    assert len(compilation.files) == 400
    assert time.process_time() - started < 60
