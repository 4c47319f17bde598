"""The strongest test: what we say fired is what promtool's rule tests find firing, minute by minute."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from rulecompiler.backtest.grid import Window, grid
from rulecompiler.backtest.machine import Firing, firings
from rulecompiler.backtest.matrix import LabelSet, Presence, add, as_alerts
from rulecompiler.deploy.range_queries import RangeServer, Refused
from rulecompiler.deploy.settings import Credentials
from tests.backtest.worlds import MINUTE, START, historian

MINUTES = 120
# `for` and `keep_firing_for`, multiples of the interval and others.
RULES = {
    "Plain": (None, None),
    "Two": ("2m", None),
    "Odd": ("3m30s", None),
    "Long": ("11m", None),
    "Kept": (None, "2m"),
    "KeptOdd": ("1m", "90s"),
    "Both": ("3m", "5m"),
}
EXPR = dict.fromkeys(RULES, "x == 1") | {
    "Odd": "max by (instance) (x) == 1",
    "Long": "sum(x) >= 2",
    "Kept": "x == 1 or absent(x{instance='4'})",
}
LENGTHS = {None: 0, "1m": 60, "2m": 120, "90s": 90, "3m": 180, "3m30s": 210, "5m": 300, "11m": 660}


def random_series(seed: int) -> dict[str, list[float | None]]:
    """Stretches of ones, noughts and gaps; gaps of over five minutes too, after which nothing is there."""
    chance = random.Random(seed)
    found: dict[str, list[float | None]] = {}
    for instance in range(5):
        values: list[float | None] = []
        while len(values) < MINUTES:
            kind = chance.choices([1.0, 0.0, None], [5, 4, 2])[0]
            values += [kind] * chance.choice([1, 1, 2, 3, 5, 8, 13])
        found[f'x{{instance="{instance}"}}'] = values[:MINUTES]
    return found


def simulated(url: str) -> dict[str, dict[LabelSet, tuple[Firing, ...]]]:
    window = Window(START, START + MINUTES * MINUTE)
    ticks = grid(window, MINUTE)
    found = {}
    with RangeServer(url, Credentials(), 30) as server:
        for name, (hold, keep) in RULES.items():
            presence: Presence = {}
            data = server.query_range(EXPR[name], ticks)
            assert not isinstance(data, Refused), data
            add(presence, data, ticks)
            alerts = as_alerts(presence, {"severity": "page"})
            length = LENGTHS[hold] * 1000, LENGTHS[keep] * 1000
            found[name] = {labels: firings(runs, *length, ticks, window) for labels, runs in alerts.items()}
    return found


def promtool_agrees(
    promtool: Path,
    folder: Path,
    series: dict[str, list[float | None]],
    found: dict[str, dict[LabelSet, tuple[Firing, ...]]],
) -> tuple[bool, str]:
    rules = [
        {"alert": name, "expr": EXPR[name], "labels": {"severity": "page"}}
        | ({"for": hold} if hold else {})
        | ({"keep_firing_for": keep} if keep else {})
        for name, (hold, keep) in RULES.items()
    ]
    (folder / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    expected = [
        {
            "eval_time": f"{minute}m",
            "alertname": name,
            "exp_alerts": [
                {"exp_labels": dict(labels)}
                for labels, times in alerts.items()
                if any(f.start <= START + minute * MINUTE < f.end for f in times)
            ],
        }
        for name, alerts in found.items()
        for minute in range(MINUTES)
    ]
    inputs = [
        {"series": name, "values": " ".join("_" if v is None else f"{v:g}" for v in values)}
        for name, values in series.items()
    ]
    test = {"interval": "1m", "input_series": inputs, "alert_rule_test": expected}
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "tests.yml").write_text(json.dumps(whole))
    done = subprocess.run(
        [str(promtool), "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_promtool_finds_the_same_alerts_at_every_minute(
    seed: int, promtool: Path, prometheus: Path, tmp_path: Path
) -> None:
    series = random_series(seed)
    with historian(prometheus, promtool, tmp_path, series) as server:
        found = simulated(server.url)
    assert all(sum(map(len, alerts.values())) for alerts in found.values()), "each rule fires some time"
    agrees, said = promtool_agrees(promtool, tmp_path, series, found)
    assert agrees, said[:3000]
    # And it would notice: one firing that ends a minute later is found.
    labels, times = next((labels, times) for labels, times in found["Two"].items() if times[:1])
    first = times[0]
    found["Two"][labels] = (first._replace(end=first.end + MINUTE), *times[1:])
    agrees, said = promtool_agrees(promtool, tmp_path, series, found)
    assert not agrees
    assert "Two" in said
