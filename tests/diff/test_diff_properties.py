"""Plans of random changes of random repos, against the two compiled outputs compared naively."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import promql_parser
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from rulecompiler.cli.diff_report import as_text
from rulecompiler.compiler import Compilation
from rulecompiler.diagnostics import has_errors
from rulecompiler.diff.model import Action, Plan
from rulecompiler.model import Options
from rulecompiler.terminal import Painter
from tests.diff.repos import plan_of
from tests.helpers import compile_texts
from tests.oracle import TEMPLATES, Spec, World, emitted
from tests.test_covered_once import worlds

PLAIN = Options(alert_names="plain")
STAND_INS = {"B": ("S", "T")}  # rules that cover slices in another one's place
SETTINGS = {"rulecompiler.yaml": "alert_names: plain\n"}
RUN = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)


class Change(NamedTuple):
    """Two states of a repo."""

    old: World
    new: World
    edited: Mapping[str, str]  # template files of the new state that are not the old state's

    @property
    def base(self) -> dict[str, str]:
        return self.old.sources()

    @property
    def head(self) -> dict[str, str]:
        return {**self.new.sources(), **self.edited}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A world, and one made of it by taking groups from another, or away, and by editing templates."""
    old, other = draw(worlds()), draw(worlds())
    groups: dict[str, Spec] = {}
    for id_ in sorted({*old.groups, *other.groups}):
        kept = [old.groups.get(id_)] * 6
        spec = draw(st.sampled_from([*kept, other.groups.get(id_), None]))
        if spec is not None:
            groups[id_] = spec if spec.parent in groups else replace(spec, parent=None)
    edited: dict[str, str] = {}
    for name, template in TEMPLATES.items():
        way = draw(st.sampled_from(["", "", "", "", "form", "for", "default", "severity"]))
        if way:
            edited[f"alerts/templates/{name}.yaml"] = _edited(template, way)
    return Change(old, World(groups), edited)


def _edited(template: Mapping[str, Any], way: str) -> str:
    data = json.loads(json.dumps(template))
    if way == "form":
        data["expr"] = f"\n{data['expr'].replace(' ', '   ')}\n"
        return json.dumps(dict(reversed(data.items())), indent=3)
    if way == "default":
        next(iter(data["params"].values()))["default"] = 4
    elif "alert" in data and way == "for":
        data["for"] = "7m"
    elif "alert" in data:
        data["labels"]["severity"] = "critical"
    return json.dumps(data)


def identity(compilation: Compilation) -> Counter[tuple[object, ...]]:
    """What a server would see: every rule with all that it says; neither order nor form counts."""
    return Counter(
        (
            result.group_id,
            group.name,
            (group.interval, group.limit, group.query_offset),
            (rule.kind, rule.name, promql_parser.parse(rule.expr).prettify()),
            (rule.for_, rule.keep_firing_for),
            tuple(sorted(rule.labels.items())),
            tuple(sorted(rule.annotations.items())),
        )
        for result in compilation.results
        if result.rules is not None
        for group in result.rules.groups
        for rule in group.rules
    )


def shape(plan: Plan) -> tuple[int, ...]:
    counts = plan.counts
    return counts.add, counts.remove, counts.change, counts.replace, counts.unchanged, counts.resets


def check(change: Change, plan: Plan, before: Compilation, after: Compilation) -> None:
    old, new = identity(before), identity(after)
    counts = plan.counts
    assert not plan.incomparable
    assert counts.unchanged + counts.change + counts.replace + counts.remove == old.total()
    assert counts.unchanged + counts.change + counts.replace + counts.add == new.total()
    assert counts.unchanged == (old & new).total()
    assert plan.is_empty == (old == new)
    for which in ("old", "new"):
        rules = [r for c in plan.changes if (r := getattr(c, which)) is not None]
        assert len({(r.group_id, r.group, r.key, r.kind) for r in rules}) == len(rules)
    by_action = Counter(c.action for c in plan.changes)
    assert by_action == +Counter(
        {
            Action.ADD: counts.add,
            Action.REMOVE: counts.remove,
            Action.CHANGE: counts.change,
            Action.REPLACE: counts.replace,
        }
    )
    for each in plan.changes:
        assert each.fields or each.action in (Action.ADD, Action.REMOVE), "a change must say what differs"
        assert each.causes, "something was edited"
        assert bool(each.resets) <= (each.action is Action.REPLACE)
    in_folds = [id(c) for fold in plan.folds for c in fold.changes]
    assert sorted(in_folds) == sorted(map(id, plan.changes))
    check_losses(change, plan, before, after)


def check_losses(change: Change, plan: Plan, before: Compilation, after: Compilation) -> None:
    """Where a target loses a rule, the plan says so of that rule; a rule told as covered is covered."""
    targets = World({**change.old.groups, **change.new.groups}).targets
    old, new = emitted(before), emitted(after)
    told = {c.rule.key for c in plan.changes if c.is_lost}
    # A rule may go on under another name.
    told |= {c.old.key for c in plan.changes if c.old is not None and c.old.key != c.rule.key}
    for name in {rule.name for rule in old}:
        was = [t for t in targets if any(r.name == name and r.covers(t) for r in old)]
        names = {name, *STAND_INS.get(name, ())}
        lost = [t for t in was if not any(r.name in names and r.covers(t) for r in new)]
        assert not lost or name in told, f"{name} is lost for {lost[:3]}, and nobody says so"
    for each in plan.changes:
        if each.action is Action.REMOVE and each.is_covered:
            mine = next(r for r in old if (r.group, r.name) == (each.rule.group_id, each.rule.key))
            holders = {c.group_id for c in each.covered_by if not c.slice}
            for target in filter(mine.covers, targets):
                assert any(
                    r.group in holders and r.name == each.rule.key and r.covers(target) for r in new
                ), f"{each.rule.key} for {target} is not covered by {holders}"


def test_a_plan_accounts_for_every_rule_of_both_sides_once() -> None:
    outcomes: Counter[str] = Counter()

    @RUN
    @given(changes())
    def holds(change: Change) -> None:
        for path, text in (*change.base.items(), *change.head.items()):
            if "groups" in path:
                note(f"{path}: {text}")
        note(f"templates: {change.edited}")
        before, after = (compile_texts(files, PLAIN) for files in (change.base, change.head))
        base, head = {**change.base, **SETTINGS}, {**change.head, **SETTINGS}
        plan = plan_of(base, head)
        if has_errors(before.diagnostics) or has_errors(after.diagnostics):
            outcomes["faulty"] += 1
            check_faulty(plan, before, after)
            return
        outcomes["empty" if plan.is_empty else "good"] += 1
        check(change, plan, before, after)
        mirrored = shape(plan_of(head, base))
        assert mirrored == (*reversed(shape(plan)[:2]), *shape(plan)[2:])
        assert plan_of(base, base).is_empty

    holds()

    assert outcomes["good"] > 10, outcomes


def check_faulty(plan: Plan, before: Compilation, after: Compilation) -> None:
    """A side with errors is never a plan that looks as if nothing were wrong."""
    text = as_text(plan, Painter(False))
    known = {each.group_id for each in plan.incomparable}
    for side, compilation in (("base", before), ("head", after)):
        assert has_errors(plan.diagnostics[side]) == has_errors(compilation.diagnostics), text  # type: ignore[index]
        broken = {r.group_id for r in compilation.results if has_errors(r.diagnostics)}
        kept = {r.group_id for c in plan.changes if (r := c.old if side == "base" else c.new) is not None}
        assert not kept & broken, text
    assert not any(c.rule.group_id in known for c in plan.changes)
