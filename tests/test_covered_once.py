"""The promise that a target is covered once by each rule, against a naive oracle over random forests."""

from __future__ import annotations

import random
import re
from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from rulecompiler.compiler import Compilation
from rulecompiler.diagnostics import has_errors
from rulecompiler.model import Options
from tests.helpers import compile_texts
from tests.oracle import NEEDS, Emitted, Spec, World, emitted

PLAIN = Options(alert_names="plain")
EXAMPLES = 100

NUMBERS = st.integers(1, 3)
OPTIONAL = st.one_of(st.none(), NUMBERS)
ENTRY: st.SearchStrategy[dict[str, Any] | None] = st.one_of(
    st.just({}),
    st.builds(lambda n: {"params": {"threshold": n}}, OPTIONAL),
    st.builds(lambda n: {"params": {"threshold": n}}, NUMBERS),
    st.builds(lambda f: {"for": f}, st.sampled_from(["1m", "5m", None])),
    st.builds(lambda s: {"labels": {"severity": s}}, st.sampled_from(["critical", "warning", None])),
    st.builds(lambda t: {"labels": {"team": t}}, st.sampled_from(["sre", None])),
    st.builds(lambda e: {"enabled": e}, st.sampled_from([False, True, None])),
    st.just({"enabled": False}),
    st.none(),
)
RECORD = st.one_of(st.just({}), st.builds(lambda n: {"params": {"factor": n}}, NUMBERS))
MORE: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({}),
    st.builds(lambda n: {"params": {"threshold": n}}, OPTIONAL),
    st.builds(lambda t: {"labels": {"team": t}}, st.sampled_from(["sre", "db", None])),
    st.builds(lambda i: {"interval": i}, st.sampled_from(["30s", "1m"])),
)
CLUSTER = st.sampled_from(
    ["a", "b", {"not": "a"}, {"matches": "a|b"}, {"not_matches": "a|b"}, {"matches": "a.*"}]
)
SLICES: dict[str, dict[str, Any]] = {
    "S": {"template": "B", "where": {"kind": "gpu"}, "instead_of": "B"},
    "T": {"template": "B", "where": {"kind": {"not_matches": "gpu|cpu"}}, "instead_of": "B"},
    "U": {"template": "A", "where": {"kind": {"matches": "gpu|cpu"}}},
}


@st.composite
def scopes(draw: st.DrawFn, id_: str, parent: Spec | None) -> dict[str, Any] | None:
    """A scope; most are the default or lie inside the parent's, as most do in life."""
    kinds = ["default", "default", "everything", "cluster"]
    if parent is not None:
        kinds = ["default", "default", "inside", "inside", "inside", "equal", "cluster", "deep"]
    kind = draw(st.sampled_from(kinds))
    above = dict(parent.real_scope) if parent is not None else {}
    if kind == "default":
        return None
    if kind == "everything":
        return {}
    if kind == "cluster":
        return {"cluster": draw(CLUSTER)}
    if kind == "deep":
        return {**above, "cluster": draw(CLUSTER), "group_id": id_}
    if kind == "inside":
        label = next((name for name in ("cluster", "group_id", "kind") if name not in above), None)
        if label == "cluster":
            return {**above, "cluster": draw(CLUSTER)}
        return {**above, label: id_ if label == "group_id" else "gpu"} if label else above
    return above


@st.composite
def rules(draw: st.DrawFn, root: bool) -> dict[str, dict[str, Any] | None]:
    """A group's entries; a root has more of them."""
    found: dict[str, dict[str, Any] | None] = {}
    names = draw(st.lists(st.sampled_from("AABBCD"), max_size=3, unique=True))
    for name in ["A", *names] if root else names:
        found[name] = draw(ENTRY)
    for name, entry in SLICES.items():
        if draw(st.integers(0, 5)) == 0:
            changes: dict[str, Any] | None = draw(ENTRY)
            found.setdefault(entry.get("instead_of", "A"), {})
            found[name] = {**entry, **(changes if changes is not None else {})}
    if draw(st.integers(0, 4)) == 0:
        found[draw(st.sampled_from(["rec:c", "rec:deep"]))] = draw(RECORD)
    return found


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """One or two trees of up to seven groups."""
    groups: dict[str, Spec] = {}
    for number in range(draw(st.integers(2, 7))):
        id_ = f"g{number}"
        above = [None] if number == 0 else [*groups, *groups, *groups, None]
        parent = draw(st.sampled_from(above))
        if parent is not None and len(World(groups).chain(parent)) >= 4:
            parent = "g0"
        above_spec = groups[parent] if parent is not None else None
        groups[id_] = Spec(
            id_,
            parent,
            abstract=draw(st.integers(0, 4)) == 0,
            scope=draw(scopes(id_, above_spec)),
            more=draw(MORE),
            rules=draw(rules(parent is None)),
        )
    return World(groups)


def check(world: World, compilation: Compilation) -> None:
    """Every promise, target by target."""
    output = emitted(compilation)
    warned = {
        found for d in compilation.diagnostics for found in re.findall("^`(.*)` of `(.*)` finds", d.message)
    }
    for tree in world.trees().values():
        ids = {g.id for g in tree}
        names = {name for id_ in ids for name in world.known[id_]}
        by_name: dict[str, list[Emitted]] = {name: [] for name in names}
        for rule in output:
            if rule.group in ids:
                by_name[rule.name].append(rule)
        for target in world.targets:
            covering = {name: [r for r in by_name[name] if r.covers(target)] for name in names}
            for name in names:
                _check_one(world, tree, name, target, covering[name])
            for name, needed in NEEDS.items():
                for rule in covering.get(name, []):
                    for record in needed:
                        told = (rule.name, rule.group) in warned
                        _check_series(rule, record, target, covering[record], told)


def _check_one(world: World, tree: list[Spec], name: str, target: Any, covering: list[Emitted]) -> None:
    about = f"{name} for {dict(target)}: {[(r.group, r.says) for r in covering]}"
    assert len(covering) <= 1, f"covered twice, {about}"
    judges = world.judges(tree, name, target)
    wanted = [world.expected(judge, name, target) for judge in judges] or [None]
    got = covering[0].says if covering else None
    assert got in wanted, f"{about}, but {judges} say {wanted}"
    if covering:
        assert covering[0].labels["group"] in {s.id for s in tree}


def _check_series(rule: Emitted, record: str, target: Any, records: list[Emitted], told: bool) -> None:
    """An alert sees the series of the record that covers its target, even if only static labels are left.

    Unless the author is `told` that it may not.
    """
    assert len(records) == 1, f"{rule.name} of {rule.group} has no {record} for {dict(target)}"
    static = records[0].labels
    for selector in rule.selectors:
        assert rule.sees(selector, {**dict(target), **static})
        equalities = tuple(m for m in selector if isinstance(m[1], str))
        assert told or rule.sees(equalities, static), f"{rule} does not see {records[0]}"


def test_each_target_is_covered_once_by_the_most_specific_group() -> None:
    outcomes: Counter[str] = Counter()

    # Without examples from earlier runs, which would be too many faulty ones.
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(worlds())
    def compiles_as_the_oracle_says(world: World) -> None:
        note("\n".join(g.yaml() for g in world.groups.values()))
        compilation = compile_texts(world.sources(), PLAIN)
        codes = sorted({d.code for d in compilation.diagnostics if has_errors([d])})
        outcomes["faulty" if codes else "good"] += 1
        outcomes.update(codes)
        if not codes:
            check(world, compilation)

    compiles_as_the_oracle_says()

    assert outcomes["faulty"] < outcomes["good"], outcomes


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_files_and_rules_changes_nothing(world: World, mixer: random.Random) -> None:
    first = compile_texts(world.sources(), PLAIN)
    second = compile_texts(world.sources(mixer), PLAIN)

    assert dict(first.files) == dict(second.files)
    assert {d.code for d in first.diagnostics} == {d.code for d in second.diagnostics}
