from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.folding import fold
from rulecompiler.diff.model import Plan
from rulecompiler.reporters.plan_html import as_html, refusal
from rulecompiler.reporters.plan_words import short
from rulecompiler.terminal import visible
from tests.reporters import plans
from tests.reporters.plans import HOSTILE, Html

LINK = "https://ci.example/runs/1?a=b&c=d"
TAGS = frozenset({
    "html", "head", "meta", "title", "link", "style", "body", "header", "h1", "h2", "h3", "p", "b",
    "ul", "li", "nav", "a", "main", "section", "div", "article", "span", "code", "del", "ins",
    "details", "summary", "dl", "dt", "dd", "footer",
})  # fmt: skip
ATTRIBUTES = frozenset({
    "lang", "charset", "http-equiv", "content", "name", "rel", "href", "class", "aria-label",
    "aria-labelledby", "aria-hidden", "id",
})  # fmt: skip


def parsed(text: str) -> Html:
    """The page, whose tags are closed in order, and are none but ours."""
    assert text.startswith("<!DOCTYPE html>\n")
    found = Html(text)
    assert {tag for tag, _ in found.tags} <= TAGS
    assert {name for _, attrs in found.tags for name, _ in attrs} <= ATTRIBUTES
    for tag, attrs in found.tags:
        href = dict(attrs).get("href")
        assert href is None or href in (LINK, "data:,") or re.fullmatch(r"#[a-z]+(-\d+)?", href), (tag, href)
    return found


def words(found: Html) -> str:
    return " ".join(found.text_outside("style", "head").split())


def test_the_page_tells_dangers_first() -> None:
    changes = [plans.added(1), plans.lost(2), plans.reset(3), plans.moved(4), plans.changed(5)]
    text = words(parsed(as_html(plans.plan(changes, [plans.broken(6)]), LINK)))
    body = text[text.index("By group") :]
    order = [
        "1 rule lost", "grp-2/HighCPU2", "nothing else covers its targets",
        "1 alert that starts over", "the label severity changed from warning to critical3",
        "1 group could not be compared", "unknown key", "alerts/groups/grp-6.yaml:2",
        "1 rule that changes hands", "all its targets covered by all-4/HighCPU now: no loss",
        "edit of alerts/groups/x.yaml → 3 groups, 5 rules",
        "The other changes", "threshold 80 → 5 alerts/groups/x.yaml:10",
    ]  # fmt: skip
    found = [body.index(each) for each in order]
    assert found == sorted(found)
    assert "Plan: 1 to add, 1 to change, 2 to remove, 1 replaced, 120 unchanged" in text


def test_a_compiled_rule_shows_both_sides_and_what_differs() -> None:
    text = as_html(plans.plan([plans.changed(5)]))
    assert "\n  &gt; <del>80</del></dd>" in text
    assert "\n  &gt; <ins>5</ins></dd>" in text
    assert '<div class="same"><dt>label severity</dt><dd>warning</dd></div>' in text


def test_a_value_that_one_side_lacks_is_none_there() -> None:
    change = plans.changed(5)
    assert change.new is not None
    text = as_html(plans.plan([replace(change, new=change.new._replace(for_=None))]))
    assert re.search(r"<dt>for</dt><dd>.*<del>5m</del></dd><dd>.*\(none\)</dd>", text)


def test_each_change_by_group_leads_to_its_fold() -> None:
    found = parsed(as_html(plans.plan([plans.added(1), plans.lost(2), plans.changed(3)])))
    targets = [str(dict(attrs)["href"])[1:] for tag, attrs in found.tags if tag == "a"]
    ids = [dict(attrs)["id"] for _, attrs in found.tags if "id" in dict(attrs)]
    assert len(ids) == len(set(ids))
    assert {"change-1", "change-2", "change-3"} <= set(targets) <= set(ids)


def test_a_plan_whose_changes_are_not_those_of_its_folds_is_shown() -> None:
    # As where groups were taken out of a plan and the folds made anew.
    change = plans.changed(3)
    made = plans.plan([change])
    parsed(as_html(replace(made, changes=(replace(change),))))


def test_headings_descend_one_by_one_and_every_section_is_named() -> None:
    found = parsed(as_html(plans.with_everything("x")))
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    named = [dict(attrs)["aria-labelledby"] for tag, attrs in found.tags if tag == "section"]
    assert named
    assert set(named) <= {dict(attrs).get("id") for tag, attrs in found.tags if tag == "h2"}
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in found.tags}


def test_signs_have_words() -> None:
    found = parsed(as_html(plans.plan([plans.lost(2)])))
    assert ("span", (("aria-hidden", "true"),)) in found.tags
    assert any(text == "removed" for path, text in found.texts)


def test_the_policy_allows_the_style_and_nothing_else() -> None:
    text = as_html(plans.plan([plans.lost(2)]))
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert policy.split("; ") == [
        "default-src 'none'", f"style-src 'sha256-{digest}'", "img-src data:", "base-uri 'none'",
        "form-action 'none'",
    ]  # fmt: skip
    assert "url(" not in style
    assert "@import" not in style
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_nothing_changed_is_said_where_it_is_certain_only() -> None:
    assert "No alert rule changes" in words(parsed(as_html(plans.plan())))
    for plan in (
        plans.plan([], [plans.broken(1)]),
        plans.plan(diagnostics={"head": (Diagnostic("RC111", "not YAML", plans.at(1)),)}),
    ):
        assert "No alert rule changes" not in words(parsed(as_html(plan)))


def test_a_refusal_says_that_nothing_is_known() -> None:
    faults = [Diagnostic("RC720", "git knows no <b>commit</b>", help="fetch it")] * 60
    text = words(parsed(refusal(faults)))
    assert "Nothing could be compared" in text
    assert "60 errors error RC720 git knows no <b>commit</b>" in text
    assert "… and 10 more" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_shown_and_do_nothing(text: str) -> None:
    made = as_html(plans.with_everything(text), LINK)
    found = parsed(made)
    assert found.comments == []
    assert visible(short(text)) in "".join(data for _, data in found.texts)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066\ud800-\udfff]", made)
    made.encode()


def large(kind: str) -> Plan:
    """5,000 changes, all different."""
    return plans.plan(
        {
            "changes": lambda n: plans.changed(n),
            "long texts": lambda n: plans.changed(n, "word " * 20_000),
        }[kind](n)
        for n in range(5_000)
    )


@pytest.mark.parametrize("kind", ["changes", "long texts"])
def test_a_large_plan_is_folded_and_of_a_sane_size(kind: str) -> None:
    text = as_html(large(kind))
    found = parsed(text)
    assert len(text) < 12_000_000
    assert sum(tag == "article" for tag, _ in found.tags) == 5_000
    assert "4,901 to 5,000" in words(found)
    # What stands in no `details` is what a browser lays out first.
    assert len(found.text_outside("details", "style")) < 200_000


def test_what_is_left_out_of_a_large_page_is_said() -> None:
    text = as_html(large("long texts"))
    assert "96,000 more characters" in text
    assert "The compiled rule is left out, as this page would grow too large" in text


def test_a_large_fold_names_its_members_up_to_a_number() -> None:
    change = plans.changed(1)
    members = [replace(change, old=plans.rule(1), new=plans.rule(1, group=f"g{n}")) for n in range(1_000)]
    assert change.new is not None
    made = plans.plan([])
    one = replace(made, folds=(fold(members, {})[0],), changes=tuple(members))
    text = words(parsed(as_html(one)))
    assert "HighCPU1 in 1,000 groups" in text
    assert "All 1,000 rules" in text
    assert "… and 600 more" in text
    assert "Compiled rule of the first, before and after" in text


def test_it_is_deterministic() -> None:
    changes = [plans.changed(1), plans.lost(2), plans.reset(3)]
    assert as_html(plans.plan(changes)) == as_html(plans.plan(changes))


def luminance(color: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(scheme: int) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", as_html(plans.plan()), re.DOTALL)
    colors = dict(
        re.findall(r"--([a-z-]+): (#[0-9a-f]+);", re.findall(r":root \{(.*?)\}", style, re.DOTALL)[scheme])
    )
    behind = ["page", "card", "well"]
    pairs = [(text, well) for text in ("text", "quiet", "link") for well in behind]
    pairs += [(color, f"{color}-well") for color in ("red", "green", "amber")]
    pairs += [(color, well) for color in ("red", "green", "amber", "blue") for well in ("page", "card")]
    for text, well in pairs:
        bright, dark = sorted((luminance(colors[text]), luminance(colors[well])), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (text, well)
