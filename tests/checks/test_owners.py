from __future__ import annotations

from rulecompiler.checks.subject import LintSettings
from tests.helpers import alert, lint_texts, repo


def found(groups: dict[str, str], template: str = "", owner: str = "team") -> list[str]:
    files = repo({"A": alert("A") + template, "R": "record: r:x:y\nexpr: sum(x)\n"}, groups)
    settings = LintSettings(owner=owner)
    return [d.message.split("`")[1] for d in lint_texts(files, settings) if d.code == "RC436"]


OWNED = "labels: {team: a}\nrules: {A: {}}"


def test_a_group_without_an_owner_where_others_have_one() -> None:
    assert found({"g": OWNED, "h": "rules: {A: {}}"}) == ["h"]
    assert found({"g": OWNED, "h": "rules: {A: {}}", "i": "parent: h"}) == ["h"]
    assert found({"g": OWNED, "h": "abstract: true\nrules: {A: {}}", "i": "parent: h\n"}) == ["i"]
    service = OWNED.replace("team", "service")
    assert found({"g": service, "h": OWNED}, owner="service") == ["h"]


def test_what_is_left_alone() -> None:
    assert found({"g": "rules: {A: {}}", "h": "rules: {A: {}}"}) == []
    assert found({"g": OWNED, "h": OWNED}) == []
    assert found({"g": OWNED, "h": "rules: {'r:x:y': {}}"}) == []
    assert found({"g": OWNED, "h": "rules: {A: {labels: {team: b}}}"}) == []
    assert found({"g": OWNED, "h": "parent: g\nrules: {A: {}}"}) == []
    assert found({"g": OWNED, "h": "rules: {A: {}}"}, owner="") == []
