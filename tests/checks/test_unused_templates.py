from __future__ import annotations

from tests.checks.linted import found

GROUP = "rules: {F: {}, plain: {}, A: {enabled: false}}"


def test_templates_that_nobody_uses() -> None:
    unused = {d.message for d in found("RC427", GROUP)}
    assert unused == {f"no group uses the template `{name}`" for name in "LMVCDESN"}
