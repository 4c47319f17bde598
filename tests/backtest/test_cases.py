from __future__ import annotations

from rulecompiler.backtest.cases import cases_of, metrics_of
from rulecompiler.diff.model import Plan
from tests.backtest.worlds import MINUTE
from tests.diff.repos import BASE, cpu, edit, plan_of
from tests.helpers import repo

HIGH = "alerts/templates/node/HighCPU.yaml"


def changed(new: str, path: str = HIGH) -> Plan:
    return plan_of(BASE, edit(BASE, {path: new}))


def test_an_edited_query_is_asked_for_on_both_sides() -> None:
    found = cases_of(changed(cpu(60)), MINUTE)
    pairs = {(c.old.expr, c.new.expr) for c in found.cases if c.old and c.new}
    assert len(found.cases) >= 2
    assert all("> 80" in old and "> 60" in new for old, new in pairs)
    holds = {c.example.rule.group_id: (c.old.hold, c.new.hold) for c in found.cases if c.old and c.new}
    assert holds["db"] == (15 * MINUTE, 15 * MINUTE)
    assert holds["all"] == (5 * MINUTE, 5 * MINUTE)


def test_what_fires_as_before_is_only_counted() -> None:
    for new in (
        cpu().replace("warning", "critical"),
        cpu().replace("busy above", "more than"),
        cpu(expr="cpu_busy   >   ${threshold}  # as before"),
    ):
        plan = changed(new)
        found = cases_of(plan, MINUTE)
        assert found.cases == ()
        assert found.same == len(plan.changes)


def test_timing_alone_makes_a_case() -> None:
    for new in (cpu().replace("5m", "7m"), cpu(extra="keep_firing_for: 3m\n")):
        found = cases_of(changed(new), MINUTE)
        assert found.cases
        assert all(case.old and case.new and case.old.expr == case.new.expr for case in found.cases)
    group = "alerts/groups/web.yaml"
    plan = plan_of(BASE, edit(BASE, {group: str(BASE[group]) + "\ninterval: 15s\n"}))
    cases = [case for case in cases_of(plan, MINUTE).cases if case.example.rule.group_id == "web"]
    assert [(c.old and c.old.interval, c.new and c.new.interval) for c in cases] == [
        (MINUTE, 15_000),
        (None, 15_000),  # NodeDown, with an interval of its own a rule of its own
    ]


def test_added_and_removed_alerts_have_one_side() -> None:
    plan = changed(cpu(), "alerts/templates/node/Other.yaml")
    assert cases_of(plan, MINUTE).cases == ()  # nobody uses it
    gone = plan_of(BASE, edit(BASE, {"alerts/groups/web.yaml": "group: web\nrules: {}\n"}))
    sides = [(case.old is None, case.new is None) for case in cases_of(gone, MINUTE).cases]
    assert (False, True) in sides


def test_equal_pairs_are_asked_once() -> None:
    files = repo(
        {
            "node/A": "alert: A\nexpr: a > 1\nscope: false\n",
            "node/B": "alert: B\nexpr: a > 1\nscope: false\n",
        },
        {"one": "rules: {A: {}}", "two": "rules: {B: {}}"},
    )
    new = {path: str(text).replace("a > 1", "a > 2") for path, text in files.items()}
    found = cases_of(plan_of(files, new), MINUTE)
    assert [len(case.alerts) for case in found.cases] == [2] * len(found.cases)
    assert sum(len(case.changes) for case in found.cases) == 2


def test_of_each_kind_of_change_one_comes_first() -> None:
    groups = {f"g{n}": "rules: {HighCPU: {}, NodeDown: {}}" for n in range(5)}
    files = repo({"node/HighCPU": cpu(), "node/NodeDown": "alert: NodeDown\nexpr: up == 0\n"}, groups)
    new = {
        p: str(t).replace("default: 80", "default: 60").replace("up == 0", "up != 1")
        for p, t in files.items()
    }
    keys = [case.example.rule.key for case in cases_of(plan_of(files, new), MINUTE).cases]
    assert len(keys) == 10
    assert set(keys[:2]) == {"HighCPU", "NodeDown"}


def test_metrics_and_records() -> None:
    files = repo(
        {
            "node/A": "alert: A\nexpr: a:b:c > 1 and on() absent(d)\n",
            "node/r": "record: a:b:c\nexpr: sum(e)\n",
        },
        {"one": "rules: {A: {}, 'a:b:c': {}}"},
    )
    new = {p: str(t).replace("> 1", "> 2").replace("sum(e)", "max(e)") for p, t in files.items()}
    found = cases_of(plan_of(files, new), MINUTE)
    assert metrics_of(found.cases) == ("a:b:c", "d")
    assert found.records == {"a:b:c": "change"}
    assert cases_of(plan_of(files, files), MINUTE).records == {}


def test_a_record_that_says_the_same_is_no_changed_record() -> None:
    files = repo({"node/r": "record: a:b:c\nexpr: sum(e)\n"}, {"one": "rules: {'a:b:c': {}}"})
    new = {p: str(t).replace("group: one", "group: one\ninterval: 5m") for p, t in files.items()}
    assert cases_of(plan_of(files, new), MINUTE).records == {}
