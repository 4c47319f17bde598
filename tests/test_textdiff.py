from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rulecompiler.textdiff import LINES_A_FILE, FileChange, count, render


def rules(thresholds: dict[str, int]) -> str:
    body = "".join(
        f"  - alert: {name}\n    expr: x > {value}\n    for: 5m\n    labels:\n      severity: warning\n"
        for name, value in thresholds.items()
    )
    return f"groups:\n- name: g\n  rules:\n{body}"


def applied(old: str, diff: str) -> str:
    """What `patch` makes of the old text, straight from the hunks."""
    before = old.split("\n")
    result: list[str] = []
    position = 0
    lines = diff.split("\n")
    for number, line in enumerate(lines):
        header = re.match(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line)
        if header:
            start = int(header[1]) - (header[2] != "0")
            result += before[position:start]
            position = start
        elif number > 2 and line[:1] in (" ", "-", "+"):
            if line[0] != "+":
                assert before[position] == line[1:]
                position += 1
            if line[0] != "-":
                result.append(line[1:])
    return "\n".join(result + before[position:])


def test_a_changed_threshold() -> None:
    old = rules({"A": 1, "B": 2, "C": 3})
    assert render([FileChange("generated/group-x.yml", old, old.replace("> 2", "> 9"))], color=False) == (
        "generated/group-x.yml (+1 -1)\n"
        "--- a/generated/group-x.yml\n"
        "+++ b/generated/group-x.yml\n"
        "@@ -7,7 +7,7 @@ B\n"
        "     labels:\n"
        "       severity: warning\n"
        "   - alert: B\n"
        "-    expr: x > 2\n"
        "+    expr: x > 9\n"
        "     for: 5m\n"
        "     labels:\n"
        "       severity: warning\n"
    )


def test_new_and_removed_files() -> None:
    text = render([FileChange("a", None, "x\ny\n"), FileChange("b", "x\n", None)], color=False)
    assert text == (
        "a (new, +2)\n--- /dev/null\n+++ b/a\n@@ -0,0 +1,2 @@\n+x\n+y\n"
        "\n"
        "b (removed, -1)\n--- a/b\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )


def test_unchanged_files_are_not_mentioned() -> None:
    assert render([FileChange("a", "x\n", "x\n"), FileChange("b", None, None)], color=False) == ""


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("a", "a\n", ["-a", r"\ No newline at end of file", "+a"]),
        ("a\n", "a\r\n", ["-a", r"+a\r"]),
        ("a\n", "\x1b[2J\n", ["-a", r"+\x1b[2J"]),
        ("::error::x\na\n", "::error::x\nb\n", [r" \x3a:error::x", "-a", "+b"]),
        ("", "a\n", ["+a"]),
    ],
)
def test_bytes_that_do_not_show_are_shown(old: str, new: str, lines: list[str]) -> None:
    assert render([FileChange("f", old, new)], color=False).splitlines()[4:] == lines


def test_a_removed_rule_is_one_block() -> None:
    thresholds = {f"A{n}": n for n in range(6)}
    old = rules(thresholds)
    new = rules({name: value for name, value in thresholds.items() if name != "A3"})
    lines = render([FileChange("f", old, new)], color=False).splitlines()
    removed = [line for line in lines if line.startswith("-") and not line.startswith("---")]
    assert removed[0] == "-  - alert: A3"
    assert len(removed) == 5
    assert lines[3].endswith("@@ A3")


def test_a_huge_diff_is_cut_and_says_so() -> None:
    change = FileChange("f", None, "".join(f"{n}\n" for n in range(2000)))
    short = render([change], color=False).splitlines()
    assert short[-1] == f"... {2001 - LINES_A_FILE:,} more lines (--full-diff shows them)"
    assert short[0] == "f (new, +2,000)"
    full = render([change], color=False, full=True)
    assert "more lines" not in full
    assert full.endswith("+1999\n")


def test_many_files_are_named_even_where_nothing_of_them_is_shown() -> None:
    changes = [FileChange(f"f{n}", None, "x\n" * 300) for n in range(50)]
    lines = render(changes, color=False).splitlines()
    assert len(lines) < 2500
    assert [line for line in lines if "(new, +300)" in line] == [f"f{n} (new, +300)" for n in range(50)]
    assert lines[-1] == "... 301 more lines (--full-diff shows them)"


def test_colour_only_adds_colour() -> None:
    change = FileChange("f", "a\nb\n", "a\nc\n")
    colored = render([change], color=True)
    assert "\x1b[31m-b\x1b[0m" in colored
    assert "\x1b[32m+c\x1b[0m" in colored
    assert re.sub(r"\x1b\[\d+m", "", colored) == render([change], color=False)


lines_text = st.lists(st.sampled_from(["a", "b", "c", "- alert: A", "", "x"]), max_size=40).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@settings(deadline=None)
@given(lines_text, lines_text)
def test_a_diff_turns_old_into_new(old: str, new: str) -> None:
    diff = render([FileChange("f", old, new)], color=False, full=True)
    assert applied(old, diff) == new if old != new else diff == ""
    added, removed = count(old, new)
    assert added - removed == new.count("\n") - old.count("\n")


@pytest.mark.parametrize("step", [1, 2, 700])
def test_ten_thousand_lines_take_no_time(step: int) -> None:
    old = {f"A{n}": n for n in range(2000)}
    new = {name: value + (value % step == 0) for name, value in old.items()}
    started = time.process_time()
    render([FileChange("f", rules(old), rules(new)[::-1] if step == 700 else rules(new))], color=False)
    assert time.process_time() - started < 20  # difflib alone takes minutes for some of these
