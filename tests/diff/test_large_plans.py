"""Plans of many changes: short, and the same with any number of processes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rulecompiler.cli.diff_report import as_text
from rulecompiler.diff.model import Plan
from rulecompiler.terminal import Painter
from tests.bench.synthetic import build
from tests.diff.repos import Files, edit, plan_of

BASELINE = "alerts/groups/baseline.yaml"
TEMPLATE = "alerts/templates/area0/Synthetic00.yaml"
LEAVES = 50


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Fifty groups of a hundred rules."""
    root = tmp_path_factory.mktemp("repo")
    build(root, LEAVES)
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.yaml")}


def edited(files: Files, path: str, old: str, new: str) -> Files:
    text = files[path]
    assert isinstance(text, bytes)
    assert old.encode() in text
    return edit(files, {path: text.replace(old.encode(), new.encode())})


def text(plan: Plan) -> str:
    return as_text(plan, Painter(False))


def test_one_template_that_all_groups_use_is_one_fold_with_one_cause(base: Files) -> None:
    plan = plan_of(base, edited(base, TEMPLATE, "for: 10m", "for: 12m"))

    # Who sets `for` himself does not change.
    assert 50 < plan.counts.change == len(plan.changes) <= 100
    assert len(plan.folds) == 1
    assert [(c.path, c.rules, c.direct) for c in plan.causes] == [(TEMPLATE, plan.counts.change, 0)]
    assert len(text(plan).splitlines()) < 10


@pytest.mark.parametrize(
    "change",
    [
        lambda files: edited(files, BASELINE, "abstract: true\n", "abstract: true\nlabels: {tier: one}\n"),
        lambda files: edited(files, BASELINE, "abstract: true\n", "abstract: true\ninterval: 30s\n"),
        lambda files: {**files, "rulecompiler.yaml": b"alert_names: plain\n"},
        lambda files: {p: t for p, t in files.items() if "leaf-" not in p},
    ],
    ids=["label", "interval", "names", "all gone"],
)
def test_five_thousand_changes_are_told_in_a_page(base: Files, change: Callable[[Files], Files]) -> None:
    plan = plan_of(base, change(base))

    assert len(plan.changes) == LEAVES * 100
    assert sum(len(fold.changes) for fold in plan.folds) == len(plan.changes)
    shown = text(plan)
    assert len(shown) < 25_000
    assert max(map(len, shown.splitlines())) < 400


def test_five_thousand_changes_of_which_none_is_like_another(base: Files) -> None:
    head = dict(base)
    for number, path in enumerate(sorted(p for p in base if "leaf-" in p)):
        content = base[path]
        assert isinstance(content, bytes)
        rules = "".join(
            f"  Own{rule}: {{template: Synthetic{rule:02}, params: {{threshold: {number + rule / 100}}}}}\n"
            for rule in range(60)
        )
        head[path] = content.replace(b"rules:\n", f"rules:\n{rules}".encode())

    plan = plan_of(base, head)

    assert plan.counts.add == len(plan.changes) == LEAVES * 60
    shown = text(plan)
    assert len(plan.folds) == LEAVES
    assert "… and 600 more rules in 10 more kinds of change: `rulecompiler diff --full` shows them" in shown
    assert len(shown) < 20_000
    assert len(as_text(plan, Painter(False), full=True)) > 20_000


def test_the_number_of_processes_has_no_say(base: Files) -> None:
    head = edited(base, TEMPLATE, "expr: |\n", "expr: |\n  1 +\n")
    head = edited(head, BASELINE, "abstract: true\n", "abstract: true\ninterval: 30s\n")
    head = {path: content for path, content in head.items() if "leaf-0007" not in path}

    one, two = plan_of(base, head, jobs=1), plan_of(base, head, jobs=2)

    assert one.changes
    assert one == two
    assert text(one) == text(two)
