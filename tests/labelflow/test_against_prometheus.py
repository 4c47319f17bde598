"""What the engine claims of a query's labels, against what Prometheus answers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from itertools import product
from pathlib import Path

from rulecompiler.labelflow import Analysis
from rulecompiler.model import Matcher
from rulecompiler.promql import ScopedQuery, scope_text
from rulecompiler.promql.tree import tree

FULL = bool(os.environ.get("LABELFLOW_FULL"))
SCOPE = (Matcher("team", "=", "sre"),)

# Vectors of one label set each, so that every operation between them has one partner at most.
ATOMS = (
    "x",
    "y",
    "x{a='1'}",
    "x{c=''}",
    "y{b!=''}",
    "rate(x[5m])",
    "last_over_time(y[5m])",
    "sum(x)",
    "sum by (a) (y)",
    "sum by (a, team) (x)",
    "sum without (b) (x)",
    "absent(z{a='1'})",
    "label_replace(x, 'n', '$1', 'a', '(.*)')",
    "label_replace(sum(x), 'a', '1', '', '')",
    "label_join(sum by (a) (x), 'j', '-', 'a')",
    "count_values('v', x)",
    "topk(1, x)",
    "vector(1)",
    "x > -1",
    "x > bool 0",
    "-x",
    "2 * x",
    "max_over_time(y[5m:1m])",
    "histogram_quantile(0.5, sum by (le, a) (x))",
    "sort(x)",
)
BETWEEN = (
    "+",
    ">=",
    "== bool",
    "+ on (a)",
    ">= on (a)",
    "+ on (a, team)",
    "+ on ()",
    "+ ignoring (b, c, d)",
    ">= ignoring (b, c, d)",
    "* on (a) group_left (b, d)",
    ">= on (a) group_left (d)",
    "* on (a) group_right (c)",
    "* ignoring (a, b, c, d, team) group_left (c)",
    "and",
    "and on (a)",
    "and on (a, d)",
    "and ignoring (b, c, d)",
    "unless",
    "unless on (b)",
    "or",
    "or on (a)",
)
SERIES = (
    "x{team='sre', a='1', b='2', c='3', le='+Inf'}",
    "y{team='sre', a='1', d='4'}",
)


def answers(promtool: Path, folder: Path, queries: list[str]) -> list[list[frozenset[str]]]:
    """The label names of each query's series; promtool shows them where it expected others."""
    wrong = [{"labels": '{never="so"}', "value": 7}]
    tests = [{"expr": query, "eval_time": "10m", "exp_samples": wrong} for query in queries]
    series = [{"series": one.replace("'", '"'), "values": "1+1x20"} for one in SERIES]
    file = folder / "test.yml"
    whole = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}]}
    file.write_text(json.dumps(whole))
    run = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)
    said = (run.stdout + run.stderr).split("    expr: ")[1:]
    assert len(said) == len(queries), run.stderr[-2000:]
    return [
        [frozenset(re.findall(r'(\w+)="', labels)) for labels in re.findall(r"\{(.*?)\} ", got)]
        for _, _, got in (one.partition("got:") for one in said)
    ]


def test_prometheus_agrees(promtool: Path, tmp_path: Path) -> None:
    pairs = [f"({left}) {op} ({right})" for left, op, right in product(ATOMS, BETWEEN, ATOMS)]
    queries = [*ATOMS, *pairs[:: 1 if FULL else 7], *(f"sum by (a, b) ({q})" for q in pairs[::29])]
    scoped = [scope_text(query, SCOPE) for query in queries]
    texts = [one.text if isinstance(one, ScopedQuery) else "" for one in scoped]
    judged = [(query, text) for query, text in zip(queries, texts, strict=True) if text]
    seen = 0
    wrong: list[str] = []
    for (query, _), series in zip(judged, answers(promtool, tmp_path, [t for _, t in judged]), strict=True):
        node = tree(query)
        assert node is not None
        flow = Analysis(SCOPE).of(node)
        seen += bool(series)
        for labels in series:
            if flow.empty or not flow.sure <= labels or not all(flow.may(label) for label in labels):
                wrong.append(f"{query}: {sorted(labels)} against {flow}")
    assert not wrong, "\n".join(wrong[:10]) + f"\n{len(wrong)} in all"
    assert seen > len(judged) / 4
