from __future__ import annotations

from datetime import date

import pytest

from rulecompiler.diagnostics import Diagnostic, Pointer, Related, Severity, Span
from rulecompiler.lint import Suppressions

TODAY = date(2026, 11, 21)
GROUP = "alerts/groups/g.yaml"
TEMPLATE = "alerts/templates/A.yaml"
OFF = "# rulecompiler: disable=RC405 reason=why"


def finding(place: Pointer, code: str = "RC405", *related: Pointer) -> Diagnostic:
    return Diagnostic(code, "found", place, related=tuple(Related(r, "") for r in related))


def in_rule(name: str, *keys: str) -> Pointer:
    return Pointer(GROUP, ("rules", name, *keys))


@pytest.mark.parametrize(
    ("comment", "silent"),
    [
        (OFF, True),
        ("#rulecompiler: disable=RC405 reason=why", True),
        ("expr: x  # rulecompiler: disable=RC405 reason=why", True),
        ("# rulecompiler: disable=RC406,RC405 reason=why", True),
        ("# rulecompiler: disable=RC405 until=2026-11-21 reason=why", True),
        ("# rulecompiler: disable=RC405 until=2026-11-20 reason=why", False),
        ("# rulecompiler: disable=RC406 reason=why", False),
        ("# rulecompiler: disable=RC405", False),
        ("# rulecompiler: disable=RC405 reason=", False),
        ("# rulecompiler: enable=RC405 reason=why", False),
        ("# rulecompiler: disable=RC405 until=soon reason=why", False),
        ("x#rulecompiler: disable=RC405 reason=why", False),
        ("# see rulecompiler: disable=RC405 reason=why", False),
    ],
)
def test_a_comment_in_a_template(comment: str, silent: bool) -> None:
    comments = Suppressions([(TEMPLATE, f"alert: A\n{comment}\n")], TODAY)
    assert comments.silences(finding(Pointer(TEMPLATE, ("expr",)))) is silent


def test_a_template_speaks_for_what_groups_make_of_it() -> None:
    comments = Suppressions([(TEMPLATE, OFF)], TODAY)
    assert comments.silences(finding(in_rule("A"), "RC405", Pointer(TEMPLATE, ("expr",))))
    assert not comments.silences(finding(in_rule("A")))
    assert not comments.silences(Diagnostic("RC405", "found"))


@pytest.mark.parametrize(
    ("text", "silenced"),
    [
        (f"{OFF}\nrules:\n  A: {{}}\n  B: {{}}\n", "AB"),
        (f"rules:\n  A: {{}}\n{OFF}\n  B: {{}}\n", "AB"),
        (f"rules:\n  {OFF}\n  A: {{}}\n  B: {{}}\n", "A"),
        (f"rules:\n  A: {{}}  {OFF}\n  B: {{}}\n", "A"),
        (f"rules:\n  A: {{}}\n  {OFF}\n  # because\n\n  B: {{}}\n", "B"),
        (f"rules:\n  A:\n    {OFF}\n    for: 5m\n  B: {{}}\n", "A"),
        (f"rules:\n  A:\n    for: 5m {OFF}\n  B: {{}}\n", "A"),
        (f"rules:\n  'A': {{}}\n  \"B\": {{}} {OFF}\n", "B"),
        (f"rules:\n  A: {{}}\n  B: {{}}\n  {OFF}\n", "B"),
        (f"scope: {{}} {OFF}\nrules:\n  A: {{}}\n  B: {{}}\n", "AB"),
        (f"rules:\n  A: {{}}\n  B: {{}}\nname: x {OFF}\n", "AB"),
        (f"rules: {{A: {{}}, B: {{}}}} {OFF}\n", "AB"),
    ],
)
def test_a_comment_in_a_group(text: str, silenced: str) -> None:
    comments = Suppressions([(GROUP, text)], TODAY)
    assert "".join(name for name in "AB" if comments.silences(finding(in_rule(name, "for")))) == silenced


def left(text: str, *findings: Diagnostic) -> list[tuple[str, Severity]]:
    comments = Suppressions([(TEMPLATE, text)], TODAY)
    for one in findings:
        comments.silences(one)
    return [(d.code, d.severity) for d in (*comments.faults, *comments.leftovers())]


def test_comments_are_judged_themselves() -> None:
    here = finding(Pointer(TEMPLATE))
    assert left(OFF, here) == []
    assert left("alert: A\n", here) == []
    assert left(OFF) == [("RC451", Severity.INFO)]
    assert left("# rulecompiler: disable=RC405,RC406 reason=why", here) == [("RC451", Severity.INFO)]
    expired = "# rulecompiler: disable=RC405 until=2026-01-01 reason=why"
    assert left(expired, here) == [("RC450", Severity.WARNING)]
    assert left(expired) == [("RC451", Severity.INFO)]
    for wrong in (
        "disable=RC405",
        "disable=RC201 reason=why",
        "disable=RC405 until=2026-13-01 reason=w",
        "hello",
    ):
        assert left(f"# rulecompiler: {wrong}", here) == [("RC452", Severity.WARNING)]


def test_the_place_of_a_comment() -> None:
    (fault,) = Suppressions([(TEMPLATE, "alert: A  # rulecompiler: nonsense\n")], TODAY).faults
    assert fault.place == Span(TEMPLATE, 1, 11, 1, 35)
