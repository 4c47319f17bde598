from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from rulecompiler.backtest.model import Absent, Backtest, Outcome, Unknown
from rulecompiler.cli.backtest_report import as_text
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.diff.model import FieldChange
from rulecompiler.reporters.backtest_html import as_html
from rulecompiler.reporters.backtest_html import refusal as html_refusal
from rulecompiler.reporters.backtest_markdown import as_markdown, pictures
from rulecompiler.reporters.backtest_markdown import refusal as markdown_refusal
from rulecompiler.reporters.backtest_svg import bars, days
from rulecompiler.terminal import Painter
from tests.backtest.worlds import DAY, START, WEEK, backtest, fired, result

HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(1)> @everyone #1 [x](http://evil) ``` `` ~~~ '
    "www.evil.com </svg></details> ::error::x \x1b[31m\u202e ![x](http://evil/p.png) **bold** <!-- _x_"
)
NEVER = fired()


def hostile_backtest() -> Backtest:
    return backtest(
        result(NEVER, fired((10, 90)), HOSTILE, notes=(HOSTILE,)),
        result(
            fired((1, 2)),
            Unknown(HOSTILE, "RC761"),
            "Odd",
            fields=(FieldChange("param", HOSTILE, HOSTILE, "1"),),
        ),
        url=f"http://h/{HOSTILE}",
        diagnostics=(Diagnostic("RC761", HOSTILE, help=HOSTILE, severity=Severity.WARNING),),
    )


def test_the_terminal_is_told_the_summary_then_the_rows() -> None:
    said = as_text(backtest(result(NEVER, fired((0, 3 * 1440)), "Cpu")), Painter(False), None)
    lines = said.splitlines()
    assert lines[0] == "1 alert would have fired once instead of 0 in the last 7d."
    assert lines[3] == "~ web/Cpu: fires more often"
    assert lines[4] == f"    old {'·' * 48}  never fires"
    assert re.fullmatch(r"    new █{20}[▁-█]·{27}  1 firing of 1 series, longest 3d", lines[5])
    assert lines[6] == "    new: first 2023-11-15 00:00, last until 2023-11-18 00:00"


def test_the_terminal_gets_nothing_of_a_strangers_control_characters() -> None:
    said = as_text(hostile_backtest(), Painter(False), 100, full=True)
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert not re.search(r"^\s*::error", said, re.MULTILINE)


def test_rows_fit_a_narrow_terminal_and_use_a_wide_one() -> None:
    found = backtest(result(NEVER, fired((0, 3 * 1440)), "Cpu"))
    widths = [len(as_text(found, Painter(False), w).splitlines()[4].split()[1]) for w in (40, 100, 500)]
    assert widths == [20, 56, 96]


def test_of_very_many_the_terminal_shows_some_and_says_so() -> None:
    found = backtest(*(result(NEVER, fired((0, 9)), f"R{n}") for n in range(60)))
    said = as_text(found, Painter(False), None)
    assert said.count("~ web/R") == 40
    assert "20 more kinds; --full shows them" in said
    assert as_text(found, Painter(False), None, full=True).count("~ web/R") == 60


# --- markdown --------------------------------------------------------------------------


def outside_of_code(markdown: str) -> str:
    """What GitHub reads as markup: neither fenced blocks nor code spans."""
    text = re.sub(r"^(`{3,})[^\n]*\n.*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", text, flags=re.DOTALL)


def test_markdown_lets_no_stranger_speak() -> None:
    for images in (None, "img"):
        found = as_markdown(hostile_backtest(), images)
        plain = outside_of_code(found)
        for bad in (
            "<script",
            "<img",
            "@everyone",
            "#1",
            "](http",
            "www.",
            "~~~",
            "</details",
            "<!--",
            "_x_",
            "`",
        ):
            assert bad not in plain, bad
        assert plain.count("](") == (2 if images else 0)
        assert "\x1b" not in found


def test_markdown_has_rows_of_characters_by_default() -> None:
    found = as_markdown(backtest(result(NEVER, fired((0, 3 * 1440)), "Cpu")))
    assert "**1 alert would have fired once instead of 0 in the last 7d.**" in found
    assert "#### `~` `web/Cpu`: fires more often" in found
    assert re.search(r"^old ·{60}  never fires\nnew █", found, re.MULTILINE)
    assert "<svg" not in found


def test_markdown_refers_to_the_pictures_that_are_written() -> None:
    found = backtest(result(NEVER, fired((0, 9)), "Cpu"), result(fired((0, 9)), NEVER, "../../etc/passwd"))
    names = list(pictures(found))
    referred = re.findall(r"\]\(img/([^)]*)\)", as_markdown(found, "img/"))
    assert referred == names
    assert all(re.fullmatch(r"[0-9]{3}-[A-Za-z0-9-]+\.svg", name) for name in names)


def test_markdown_fits_into_a_comment_and_says_what_it_leaves_out() -> None:
    found = as_markdown(backtest(*(result(NEVER, fired((0, 9)), f"R{n}") for n in range(900))))
    assert len(found) < 60_000
    assert re.search(r"… and [0-9]+ more alerts", found)
    assert found.count("<details>") == found.count("</details>")


def test_what_is_not_dangerous_is_folded_away() -> None:
    results = [result(fired((0, 9), (20, 30)), fired((0, 9)), f"R{n}") for n in range(30)]
    results.append(result(fired((0, 9)), NEVER, "Lost"))
    found = as_markdown(backtest(*results))
    assert found.index("web/Lost") < found.index("<details>")
    assert found.count("<details>") == found.count("</details>") == 1


# --- html --------------------------------------------------------------------------------


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_lets_no_stranger_speak() -> None:
    page = Page(as_html(hostile_backtest()))
    assert not {"script", "img", "a", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("href", "src")]
    assert "<script>alert(1)</script>" in page.text
    assert "\x1b" not in page.text


def test_html_is_one_file_with_its_pictures() -> None:
    found = as_html(backtest(result(NEVER, fired((0, 3 * 1440)), "Cpu"), result(Absent(), NEVER, "New")))
    page = Page(found)
    assert page.tags.count("svg") == 2  # what fires on no side has no picture
    assert "default-src 'none'" in found
    assert "prefers-color-scheme: dark" in found
    assert "1 alert would have fired once instead of 0 in the last 7d." in page.text
    assert "~ web/New never fires" in " ".join(page.text.split())


def quiet() -> Backtest:
    return backtest(result(Unknown("it is late", "RC761"), Unknown("it is late", "RC761"), "Late"))


def test_what_fires_on_no_side_takes_no_room() -> None:
    assert as_text(quiet(), Painter(False), None).splitlines()[3:] == [
        "~ web/Late: cannot say",
        "    old and new cannot say: it is late",
    ]
    assert "<svg" not in as_html(quiet())
    assert as_markdown(quiet()).count("it is late") == 1
    assert "```" not in as_markdown(quiet())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (Absent(), NEVER, "never fires"),
        (NEVER, NEVER, "never fires"),
        (NEVER, Absent(), "never fires"),
        (Absent(), fired((1, 5)), "is new, and fires"),
        (NEVER, fired((1, 5)), "fires more often"),
        (fired((1, 5)), fired((1, 5)), "fires as before"),
    ],
)
def test_an_alert_that_comes_or_goes_is_not_as_before(old: Outcome, new: Outcome, said: str) -> None:
    found = backtest(result(old, new))
    assert as_text(found, Painter(False), None).splitlines()[3] == f"~ web/Down: {said}"
    assert f"#### `~` `web/Down`: {said}\n" in as_markdown(found)
    assert f">{said}</span>" in as_html(found)


def test_an_alert_that_another_covers_now_does_not_fire_less() -> None:
    text = as_text(backtest(result(fired((1, 5)), Absent(), covered=True)), Painter(False), None)
    assert "web/Down: is covered by another alert" in text


def test_thousands_of_unknown_alerts_fit_into_a_comment() -> None:
    found = backtest(
        *(result(NEVER, Unknown(HOSTILE * 9, "RC761"), f"{HOSTILE * 99}{n}") for n in range(2_000))
    )
    assert len(as_markdown(found).encode("utf-16-le")) // 2 < 65_536


@pytest.mark.parametrize("number", [1, 3_000])
def test_a_refusal_does_what_no_text_wants(number: int) -> None:
    faults = [Diagnostic("RC812", HOSTILE, help=HOSTILE)] * number
    text = markdown_refusal(faults)
    assert len(text) < 65_536
    assert "<script>" not in re.sub(r"(`+)[^`].*?[^`]\1(?!`)|(`+)[^`]\2", "", text)
    page = Page(html_refusal(faults))
    assert "script" not in page.tags
    assert "what would have fired is not known" in page.text


def test_html_marks_the_time_without_history() -> None:
    window = WEEK._replace(start=START + 5 * DAY)
    found = as_html(backtest(result(fired(window=window), fired((0, 9), window=window)), window=window))
    assert found.count('class="dark-age"') == 2


# --- svg ---------------------------------------------------------------------------------


def test_a_picture_is_well_formed_whatever_the_names() -> None:
    for picture in pictures(hostile_backtest()).values():
        root = ET.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
        assert kinds <= {"svg", "title", "style", "text", "g", "rect", "path"}
        assert "prefers-color-scheme:dark" in picture


@pytest.mark.parametrize(
    ("levels", "path"),
    [([0, 0], ""), ([0, 1], "M1 20v-20h1v20z"), ([0.01, 0], "M0 20v-4h1v4z"), ([0, 0.5], "M1 20v-10h1v10z")],
)
def test_bars(levels: list[float], path: str) -> None:
    assert bars(levels, 1.0) == path


def test_midnights() -> None:
    assert days(WEEK._replace(start=START - DAY // 2)).count("M") == 7
    assert days(WEEK._replace(start=START - 100 * DAY)) == ""
