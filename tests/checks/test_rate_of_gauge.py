from __future__ import annotations

import pytest

from rulecompiler.diagnostics import Severity
from tests.checks.linted import RATE, severities

BAD = [
    "rate(up[5m]) > 1",
    "increase(cpu_temp_celsius[5m]) > 1",
    "irate(node_load5[5m]) > 1",
    "rate(job:x:rate5m[5m]) > 1",
    "rate(job:x:sum_rate[5m]) > 1",
    "rate(kube_deployment_spec_replicas[5m]) > 1",
]
GOOD = [
    RATE,
    "rate(x[5m]) > 1",
    "rate(x_bytes[5m]) > 1",
    "increase(group_total[5m]) > 1",
    "rate(up_total[5m]) > 1",
    "rate(job:x:sum[5m]) > 1",
    "delta(node_load1[5m]) > 1",
    "rate({__name__=~'a|b'}[5m]) > 1",
    "rate(x:errors_rated[5m]) > 1",
]


@pytest.mark.parametrize("text", BAD)
def test_what_is_found(text: str) -> None:
    assert len(severities(text, "RC407")) == 1


@pytest.mark.parametrize("text", GOOD)
def test_what_is_left_alone(text: str) -> None:
    assert severities(text, "RC407") == []


def test_it_is_never_an_error() -> None:
    assert Severity.ERROR not in [s for text in BAD for s in severities(text, "RC407")]
