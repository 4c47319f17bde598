from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec

import pytest
from markdown_it import MarkdownIt

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.diff.model import Plan, RuleChange
from rulecompiler.reporters.plan_markdown import LIMIT, MARKER, as_markdown, refusal
from rulecompiler.reporters.plan_sections import size
from tests.reporters import plans
from tests.reporters.plans import HOSTILE, Html

GITHUB = 65_536
LINK = "https://ci.example/runs/1?a=b&c=(d)"
TAGS = {
    "h2",
    "h3",
    "p",
    "strong",
    "ul",
    "li",
    "code",
    "pre",
    "details",
    "summary",
    "blockquote",
    "del",
    "ins",
    "a",
}


def rendered(text: str) -> Html:
    """What GitHub makes of it, as far as a renderer of the same markdown can tell."""
    options = {"html": True, "linkify": find_spec("linkify_it") is not None}
    found = Html(MarkdownIt("gfm-like", options).render(text))
    assert {tag for tag, _ in found.tags} <= TAGS
    assert [c.strip() for c in found.comments] == ["rulecompiler:plan"]
    assert {attrs for tag, attrs in found.tags if tag == "a"} <= {(("href", LINK),)}
    return found


def test_the_first_line_is_the_marker_and_the_dangers_stand_above_the_fold() -> None:
    changes = [plans.added(1), plans.lost(2), plans.reset(3), plans.moved(4), plans.changed(5)]
    text = as_markdown(plans.plan(changes, [plans.broken(6)]), LINK)
    assert text.startswith(f"{MARKER}\n## ")
    order = [
        "**Plan: 1 to add, 1 to change, 2 to remove, 1 replaced, 120 unchanged; 1 group could",
        "1 rule lost", "`grp-2/HighCPU2`", "nothing else covers its targets",
        "1 alert that starts over", "the label `severity` changed from `warning` to `critical3`",
        "**1 group could not be compared**", "unknown key", "`alerts/groups/grp-6.yaml:2`",
        "1 rule that changes hands", "all its targets covered by `all-4/HighCPU` now: no loss",
        "edit of `alerts/groups/x.yaml` → 3 groups, 5 rules",
        "`threshold` `80` → **`5`** (`alerts/groups/x.yaml:10`)",
        "<details>",
    ]  # fmt: skip
    found = [text.index(words) for words in order]
    assert found == sorted(found)
    rendered(text)


def test_every_fold_stands_above_the_details_once() -> None:
    text = as_markdown(plans.plan([plans.added(1), plans.lost(2), plans.reset(3), plans.moved(4)]))
    above, _, _ = text.partition("<details>")
    assert [above.count(f"`grp-{n}/HighCPU{n}`") for n in range(1, 5)] == [1, 1, 1, 1]


def test_compiled_rules_are_a_diff() -> None:
    text = as_markdown(plans.plan([plans.changed(5)]))
    lines = text.splitlines()
    assert "-     > 80" in lines
    assert "+     > 5" in lines
    assert "    severity: warning" in lines
    assert "```diff" in lines


def test_a_query_is_an_inline_diff() -> None:
    text = as_markdown(plans.with_everything("benign"))
    assert "query <del>`old`</del> <ins>`new`</ins> `benign end`" in text


def test_nothing_changed_is_said_in_one_line() -> None:
    text = as_markdown(plans.plan())
    assert text.splitlines()[0] == MARKER
    assert len(text.splitlines()) == 2
    assert "No alert rule changes" in text


@pytest.mark.parametrize(
    "plan",
    [
        plans.plan([], [plans.broken(1)]),
        plans.plan(diagnostics={"head": (Diagnostic("RC111", "not YAML", plans.at(1)),)}),
        plans.plan([plans.added(1)]),
    ],
)
def test_nothing_changed_is_not_said_where_it_is_not_certain(plan: Plan) -> None:
    text = as_markdown(plan)
    assert "No alert rule changes" not in text
    assert len(text.splitlines()) > 4


def test_faults_of_no_group_are_told() -> None:
    faults = tuple(Diagnostic("RC111", f"not YAML {n}", plans.at(n)) for n in range(1, 30))
    text = as_markdown(plans.plan(diagnostics={"base": faults}))
    assert "**29 errors** in what was compared" in text
    assert "base: `error[RC111]: not YAML 1` in `alerts/groups/x.yaml:1`" in text
    assert "… and 19 more errors" in text


def test_a_refusal_says_that_nothing_is_known() -> None:
    text = refusal([Diagnostic("RC720", "git knows no commit `x`", help="fetch it")])
    assert text.startswith(f"{MARKER}\n")
    assert "Nothing could be compared" in text
    assert "RC720" in text
    assert "fetch it" in text
    rendered(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_do_nothing(text: str) -> None:
    found = rendered(as_markdown(plans.with_everything(text), LINK))
    harmless = rendered(as_markdown(plans.with_everything("benign"), LINK))
    # Outside of code, where alone GitHub mentions and links, not a letter depends on it.
    shown = found.text_outside("code", "pre").replace("(empty)", "").split()
    assert set(shown) <= {*harmless.text_outside("code", "pre").split(), "…"}
    if len(text) < 1_000:
        assert shown == harmless.text_outside("code", "pre").split()


@pytest.mark.parametrize("text", [t for t in HOSTILE if len(t) < 1_000])
def test_hostile_texts_of_diagnostics_do_nothing(text: str) -> None:
    fault = Diagnostic("RC720", text, plans.at(1, text), help=text)
    found, harmless = rendered(refusal([fault])), rendered(refusal([replace(fault, message="x", help="x")]))
    assert found.text_outside("code") == harmless.text_outside("code")


@pytest.mark.parametrize("text", [*HOSTILE, "\u00ad", "\u0600"])
def test_what_a_terminal_or_a_log_would_obey_is_spelt_out(text: str) -> None:
    made = as_markdown(plans.with_everything(text))
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028\u202e\u2066\u00ad\u0600\ud800-\udfff]", made
    )
    assert not re.search(r"^\s*::|##\[", made, re.MULTILINE)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a`b", "``a`b``"),
        ("`a``", "``` `a`` ```"),
        ("a\n b", "`a b`"),
        ("", "(empty)"),
        ("a\u202eb", r"`a\u202eb`"),
    ],
)
def test_a_text_is_a_code_span(text: str, shown: str) -> None:
    change = plans.changed(1)
    fields = (change.fields[0]._replace(old=text),)
    made = as_markdown(plans.plan([replace(change, fields=fields)]))
    assert f"`threshold` {shown} → " in made


def test_a_fence_is_longer_than_any_in_it() -> None:
    made = as_markdown(plans.plan([plans.changed(1, "x\n```````\n</details>")]))
    assert "\n````````diff\n" in made
    rendered(made)


MANY = {
    "changes": [plans.changed(n) for n in range(5_000)],
    "losses": [plans.lost(n) for n in range(5_000)],
    "resets": [plans.reset(n) for n in range(5_000)],
    "handovers": [plans.moved(n) for n in range(5_000)],
    "long texts": [plans.changed(n, "word " * 20_000) for n in range(500)],
    "all": [f(n) for f in (plans.changed, plans.lost, plans.reset, plans.moved) for n in range(1_500)],
}


@pytest.mark.parametrize("changes", MANY.values(), ids=MANY.keys())
def test_it_fits_in_a_comment_and_says_what_is_left_out(changes: Sequence[RuleChange]) -> None:
    text = as_markdown(plans.plan(changes), LINK)
    assert len(text) < GITHUB
    assert size(text) <= LIMIT
    assert len(text.encode()) < 4 * GITHUB
    assert size(text) > LIMIT * 0.9  # not more is left out than must be
    rendered(text)
    assert re.search(
        rf"… and [\d,]+ more .*for which a comment has no room: \[the whole report]\(<{re.escape(LINK)}>\)",
        text,
    )


def test_many_of_everything_leaves_no_danger_out_of_sight() -> None:
    broken = [plans.broken(n, "m" * 3_000) for n in range(3_000)]
    text = as_markdown(plans.plan(MANY["all"], broken))
    assert size(text) <= LIMIT
    above, _, _ = text.partition("<details>")
    for words in ("1,500 rules lost", "1,500 alerts that start over", "3,000 groups could not be compared",
                  "1,500 rules that change hands", "Edits", "The other changes"):  # fmt: skip
        assert words in above
    assert above.count("for which a comment has no room: the html report has them") == 5
    rendered(text)


def test_what_is_shown_and_what_is_left_out_is_all_there_is() -> None:
    text = as_markdown(plans.plan(MANY["losses"]))
    above, _, _ = text.partition("<details>")
    (left,) = re.findall(r"and ([\d,]+) more kinds of change \(([\d,]+) rules\)", above)
    shown = above.count("> - `-` `grp-")
    assert shown > 200
    assert {int(number.replace(",", "")) for number in left} == {5_000 - shown}


def test_emoji_count_twice() -> None:
    wide = [replace(plans.changed(n), new=plans.rule(n, expr="\U0001f642" * 200)) for n in range(2_000)]
    text = as_markdown(plans.plan(wide))
    assert LIMIT * 0.9 < size(text) <= LIMIT


def test_it_is_deterministic() -> None:
    changes = [plans.changed(1), plans.lost(2), plans.reset(3)]
    assert as_markdown(plans.plan(changes)) == as_markdown(plans.plan(changes))


def test_groups_that_change_alike_are_one_line() -> None:
    changes = [replace(plans.changed(1), old=None, new=plans.rule(1, group=f"g{n}")) for n in range(50)]
    text = as_markdown(plans.plan(changes))
    assert "and 11 more (50 groups): `~` `HighCPU1`" in text
