from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from rulecompiler.cli import main
from rulecompiler.reporters.plan_markdown import MARKER

Capture = pytest.CaptureFixture[str]
OTHER = "group: dev\nrules:\n  NodeDown:\n    params: {wait: 15m}\n"
STARTS = {"markdown": MARKER, "html": "<!DOCTYPE html>", "json": "{", "text": "generated/ → the working tree"}


@pytest.fixture
def edited(repo: Any) -> Any:
    """A repo whose group differs from what was compiled of it."""
    assert main(["compile", "--no-validate"]) == 0
    repo.put("alerts/groups/dev.yaml", OTHER)
    return repo


def diff(capsys: Capture, *args: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["diff", "--against", "generated", *args])
    return code, capsys.readouterr().out


@pytest.mark.parametrize("fmt", STARTS)
def test_each_format_is_printed(edited: Any, capsys: Capture, fmt: str) -> None:
    code, output = diff(capsys, "--format", fmt)
    assert code == 0
    assert output.startswith(STARTS[fmt])
    assert "15m" in output
    assert output.endswith("\n")


@pytest.mark.parametrize("fmt", STARTS)
def test_a_file_gets_what_would_be_printed_and_the_terminal_the_summary(
    edited: Any, capsys: Capture, fmt: str
) -> None:
    _, printed = diff(capsys, "--format", fmt)
    code, output = diff(capsys, "--format", fmt, "--output", "plan")
    assert code == 0
    assert output == "Plan: 0 to add, 1 to change, 0 to remove, 0 replaced, 2 unchanged.\n"
    assert (edited.root / "plan").read_text("utf-8") == printed


def test_exit_codes_do_not_depend_on_the_format(edited: Any, capsys: Capture) -> None:
    assert diff(capsys, "--format", "html", "--exit-code")[0] == 2
    code, output = diff(capsys, "--format", "html", "--output", "plan", "--fail-on", "changed")
    assert code == 1
    assert "--fail-on: changed (1)" in output


def test_a_file_that_cannot_be_written_fails(edited: Any, capsys: Capture) -> None:
    code, output = diff(capsys, "--format", "html", "--output", "missing/plan.html")
    assert code == 1
    assert "RC735" in output
    assert "Plan: " in output


@pytest.mark.parametrize("fmt", ["markdown", "html"])
def test_a_report_is_made_even_where_nothing_can_be_compared(edited: Any, capsys: Capture, fmt: str) -> None:
    edited.put("alerts/groups/dev.yaml", "group: dev\nrules: {NoSuch: {}}\n")
    code, printed = diff(capsys, "--format", fmt)
    assert code == 1
    assert printed.startswith(STARTS[fmt])
    assert "Nothing could be compared" in printed
    assert "RC301" in printed
    assert "alerts/groups/dev.yaml:2" in printed
    code, output = diff(capsys, "--format", fmt, "--output", "plan")
    assert code == 1
    assert "error[RC301]" in output
    assert (edited.root / "plan").read_text("utf-8") == printed


@pytest.mark.parametrize("fmt", STARTS)
def test_a_damaged_file_is_not_compared_in_any_format(edited: Any, capsys: Capture, fmt: str) -> None:
    path = edited.root / "generated/group-prod.yml"
    path.write_text(f"{path.read_text()}  junk: [\n")
    code, printed = diff(capsys, "--format", fmt)
    assert code == 0
    assert "15m" in printed
    assert "RC111" in printed


def test_json_of_a_refusal_is_a_list_of_diagnostics(edited: Any, capsys: Capture) -> None:
    edited.put("alerts/groups/dev.yaml", "group: dev\nrules: {NoSuch: {}}\n")
    _, printed = diff(capsys, "--format", "json")
    assert json.loads(printed)["diagnostics"][0]["code"] == "RC301"


def test_the_reports_point_to_the_link(edited: Any, capsys: Capture) -> None:
    link = "https://ci.example/runs/1?a=b&c=(d)"
    assert f"[The whole report](<{link}>)" in diff(capsys, "--format", "markdown", "--link", link)[1]
    hrefs: list[str | None] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            hrefs.append(dict(attrs).get("href"))

    Links().feed(diff(capsys, "--format", "html", "--link", link)[1])
    assert link in hrefs


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://a b",
        "https://a>b",
        "https://a\nb",
        "ftp://a",
        "https://a`b",
        "https://ä",
    ],
)
def test_a_link_that_is_no_plain_address_is_refused(edited: Any, capsys: Capture, link: str) -> None:
    assert diff(capsys, "--format", "markdown", "--link", link)[0] == 2
