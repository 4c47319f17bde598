from __future__ import annotations

import json

import pytest

from rulecompiler.backtest import timeline, words
from rulecompiler.backtest.as_json import as_data
from rulecompiler.backtest.cases import Alert, Case
from rulecompiler.backtest.grid import Grid, Window
from rulecompiler.backtest.judging import Played, Remembered, judge
from rulecompiler.backtest.model import Absent, Fired, Outcome, Result, Unknown, ordered
from rulecompiler.backtest.playing import doubts, play
from rulecompiler.diagnostics import Diagnostic, Severity
from rulecompiler.diff.model import Action, FieldChange, RuleChange
from tests.backtest.worlds import DAY, HOUR, MINUTE, START, WEEK, alert, backtest, fired, result, rule

NEVER = fired()
ALWAYS = fired((0, 7 * 24 * 60))
UNKNOWN = Unknown("the server is tired", "RC761")


@pytest.mark.parametrize(
    ("old", "new", "verdict"),
    [
        (NEVER, NEVER, "same"),
        (NEVER, ALWAYS, "constant"),
        (Absent(), ALWAYS, "constant"),
        (ALWAYS, ALWAYS, "same"),
        (fired((0, 60)), fired((0, 6.5 * 24 * 60)), "constant"),  # type: ignore[arg-type]
        (fired((0, 60)), NEVER, "silenced"),
        (fired((0, 60)), Absent(), "silenced"),
        (ALWAYS, NEVER, "silenced"),
        (NEVER, fired((0, 5)), "more"),
        (fired((0, 5)), fired((0, 5), (9, 12)), "more"),
        (fired((0, 5), (9, 12)), fired((0, 12)), "fewer"),
        (fired((0, 5)), fired((0, 6)), "longer"),
        (fired((0, 6)), fired((0, 5)), "shorter"),
        (fired((0, 5)), fired((1, 6)), "shifted"),
        (NEVER, UNKNOWN, "unknown"),
        (UNKNOWN, ALWAYS, "unknown"),
        (Absent(), NEVER, "same"),
        (NEVER, Absent(), "same"),
    ],
)
def test_how_two_sides_differ(old: Outcome, new: Outcome, verdict: str) -> None:
    assert result(old, new).verdict == verdict


def test_what_another_rule_covers_now_is_not_silenced() -> None:
    assert result(fired((0, 5)), Absent(), covered=True).verdict == "fewer"


def test_the_numbers() -> None:
    found = fired((10, 20), (30, 90))
    assert (found.firings, found.series, found.longest, found.total) == (2, 1, HOUR, 70 * MINUTE)
    assert (found.first, found.last) == (START + 10 * MINUTE, START + 90 * MINUTE)
    both = Fired(WEEK, MINUTE, {**found.by_series, **fired((15, 40), series="b").by_series})
    assert (both.firings, both.series, both.busy, both.total) == (3, 2, 80 * MINUTE, 95 * MINUTE)
    assert (NEVER.longest, NEVER.first, NEVER.last, NEVER.busy) == (0, None, None, 0)


def test_dangerous_differences_first() -> None:
    results = [
        result(NEVER, NEVER, "Same"),
        result(fired((0, 5), (9, 12)), fired((0, 5)), "Fewer"),
        result(NEVER, fired((0, 5)), "More"),
        result(NEVER, fired((0, 5), (7, 9)), "MuchMore"),
        result(fired((0, 9)), NEVER, "Silenced"),
        result(UNKNOWN, NEVER, "Unknown"),
        result(NEVER, ALWAYS, "Constant"),
    ]
    keys = [each.case.example.rule.key for each in ordered(results)]
    assert keys == ["Constant", "Silenced", "MuchMore", "More", "Fewer", "Unknown", "Same"]


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            (result(fired((0, 5)), fired((0, 5), (9, 10), (20, 30))), result(NEVER, fired((0, 9)), "B")),
            "2 alerts would have fired 4 times instead of 1 in the last 7d.",
        ),
        ((result(fired((0, 5)), NEVER),), "1 alert would have fired 0 times instead of 1 in the last 7d."),
        (
            (result(NEVER, fired((0, 5)), members=3),),
            "3 alerts would have fired 3 times instead of 0 in the last 7d.",
        ),
        (
            (result(fired((0, 5)), fired((0, 65))),),
            "1 alert would have fired once as before, for 1h5m instead of 5m in the last 7d.",
        ),
        (
            (result(fired((0, 5)), fired((5, 10))),),
            "1 alert would have fired once as before, at other times in the last 7d.",
        ),
        (
            (result(NEVER, NEVER), result(fired((0, 5)), fired((0, 5)), "B")),
            "2 alerts would have fired as before, once in the last 7d.",
        ),
        (
            (result(NEVER, fired((0, 5))), result(UNKNOWN, NEVER, "B")),
            "1 alert would have fired once instead of 0 in the last 7d; of 1 alert nobody can say.",
        ),
        ((result(UNKNOWN, NEVER),), "Nobody can say what would have fired in the last 7d."),
        ((), "No alert changes, so that nothing would have fired differently."),
    ],
)
def test_the_summary(results: tuple[Result, ...], said: str) -> None:
    assert words.summary(backtest(*results)) == said


def test_the_summary_of_what_was_not_asked_for() -> None:
    said = words.summary(backtest(same=3))
    assert said == "3 alerts would fire as before: no query or timing of theirs changes."
    assert words.summary(backtest(left_out=3)).startswith("Nobody can say what would have fired")


def test_the_summary_of_a_short_history() -> None:
    window = Window(WEEK.end - 2 * DAY, WEEK.end)
    found = backtest(result(fired(window=window), fired((0, 5), window=window)), window=window)
    assert words.summary(found) == (
        "1 alert would have fired once instead of 0 in the 2d of 7d that the server remembers."
    )


@pytest.mark.parametrize(
    ("length", "said"),
    [(0, "0s"), (1, "1ms"), (90_000, "1m30s"), (HOUR, "1h"), (DAY + 59 * MINUTE, "1d"), (DAY + HOUR, "1d1h")],
)
def test_durations(length: int, said: str) -> None:
    assert words.duration(length) == said


def test_what_a_side_did_in_words() -> None:
    assert words.numbers(fired((0, 5), (9, 79))) == "2 firings of 1 series, longest 1h10m, 1h15m in all"
    assert words.numbers(fired((0, 5))) == "1 firing of 1 series, longest 5m"
    assert words.numbers(NEVER) == "never fires"
    assert words.numbers(Absent()) == "no such alert"
    assert words.numbers(UNKNOWN) == "cannot say: the server is tired"
    assert words.when(fired((0, 5), (9, 79))) == "first 2023-11-15 00:00, last until 2023-11-15 01:19"
    assert words.when(ALWAYS).endswith("still at the end")
    assert words.when(NEVER) == words.when(UNKNOWN) == ""


def test_what_was_edited_in_words() -> None:
    fields = (
        FieldChange("param", "threshold", "80", "60"),
        FieldChange("expr", "", "a > 80", "a > 60"),
        FieldChange("for", "", None, "5m"),
    )
    assert (
        words.edits(result(NEVER, NEVER, fields=fields))
        == "threshold 80 → 60, another query, for (none) → 5m"
    )


# --- the timeline -------------------------------------------------------------------


def test_columns_are_series_on_average() -> None:
    window = Window(START, START + 100 * MINUTE)
    found = timeline.columns(fired((10, 20), (25, 30), window=window), window, 10)
    assert found == [0, 1, 0.5, 0, 0, 0, 0, 0, 0, 0]
    both = Fired(
        window,
        MINUTE,
        {
            **fired((0, 100), window=window, series="a").by_series,
            **fired((90, 100), window=window, series="b").by_series,
        },
    )
    assert timeline.columns(both, window, 10) == [1] * 9 + [2]
    assert timeline.columns(UNKNOWN, window, 10) == [0] * 10


def test_rows_of_characters() -> None:
    window = Window(START, START + 100 * MINUTE)
    assert timeline.characters(fired((10, 20), (25, 30), window=window), window, 10, 1.0) == "·█▅·······"
    assert timeline.characters(fired((11, 12), window=window), window, 10, 1.0) == "·▁········"
    assert timeline.characters(UNKNOWN, window, 5, 1.0) == "?????"
    late = Window(START + 50 * MINUTE, window.end)
    assert timeline.characters(fired((0, 10), window=late), window, 10, 1.0) == "     █····"
    assert timeline.top([[0.2], [0.5]]) == 1
    assert timeline.top([[0.2], [3.0]]) == 3


# --- judging -------------------------------------------------------------------------

TICKS = Grid(START // MINUTE, WEEK.end // MINUTE, MINUTE)
CHANGE = RuleChange(Action.CHANGE, rule(), rule())


def played(*runs: tuple[int, int], **labels: str) -> Played:
    first = TICKS.first
    key = tuple(sorted(labels.items()))
    return Played({key: [(first + a, first + b) for a, b in runs]} if runs else {}, TICKS)


def judged(
    new: Alert,
    answer: Played | Unknown,
    first: dict[str, int | None] | None = None,
    records: dict[str, str] | None = None,
    blur: int = MINUTE,
) -> Result:
    case = Case(None, new, (CHANGE,))
    return judge(case, {new: answer}, WEEK, Remembered(first or {}, blur), records or {})


def test_an_answer_becomes_firings() -> None:
    found = judged(alert(hold=5 * MINUTE), played((10, 20), (30, 32), instance="a"))
    assert isinstance(found.old, Absent)
    assert isinstance(found.new, Fired)
    assert [(f.start - START) // MINUTE for f in found.new.all] == [15]
    assert found.notes == ()


def test_a_record_without_history_is_never_nought_firings() -> None:
    recorded = alert("up == 0 unless on() a:b:c")
    found = judged(recorded, played((10, 20)), {"up": START, "a:b:c": None})
    assert isinstance(found.new, Unknown)
    assert found.new.code == "RC763"
    assert "`a:b:c`" in found.new.reason


def test_a_metric_without_history_and_no_result_is_unknown() -> None:
    found = judged(alert("gone == 0"), played(), {"gone": None})
    assert isinstance(found.new, Unknown)
    found = judged(alert("absent(gone)"), played((0, 5)), {"gone": None})
    assert isinstance(found.new, Fired)
    assert found.notes == ("the server has no history of `gone`",)


def test_two_alerts_with_the_same_labels_are_refused() -> None:
    same = Played({(("__name__", "a"),): [(0, 9)], (("__name__", "b"),): [(5, 9)]}, TICKS)
    found = judged(alert('{__name__=~"a|b"}'), same)
    assert isinstance(found.new, Unknown)
    assert found.new.code == "RC761"


@pytest.mark.parametrize(
    ("new", "first", "records", "note"),
    [
        (alert(interval=15_000, hold=30_000), {}, {}, "`for` 30s is shorter"),
        (alert(interval=15_000), {}, {}, "short firings may be missing"),
        (alert(interval=5 * MINUTE), {}, {}, "evaluated every 1m, not every 5m"),
        (alert(hold=40 * DAY), {}, {}, "longer than the 31d"),
        (alert("ALERTS{alertname='x'} == 1"), {}, {}, "`ALERTS`"),
        (alert("up == 0 and up @ end() == 0"), {}, {}, "the new query has `@ start()` or `@ end()`"),
        (alert("a:b:c > 1"), {"a:b:c": START}, {"a:b:c": "change"}, "the record `a:b:c` changes too"),
        (alert("up == 0"), {"up": START + DAY}, {}, "the history of `up` begins about 2023-11-16 00:00"),
        (alert()._replace(labels=(("v", "{{ $value }}"),)), {}, {}, "a label shows the value"),
    ],
)
def test_what_is_not_exact_is_said(
    new: Alert, first: dict[str, int | None], records: dict[str, str], note: str
) -> None:
    found = judged(new, played((10, 20)), first, records)
    assert len(found.notes) == 1
    assert note in found.notes[0]


class Answers:
    """A player whose answers are known."""

    def __init__(self, known: dict[str, Played | Unknown]) -> None:
        self.known = known

    def play(self, alert: Alert, window: Window, step: int) -> Played | Unknown | None:
        return self.known.get(alert.expr)


def test_what_may_not_be_asked_is_left_out_and_the_rest_goes_on() -> None:
    known = Answers({"up == 0": played((10, 20)), "up == 1": UNKNOWN})
    cases = [
        Case(alert(), alert("up == 2"), (CHANGE,)),
        Case(alert(), alert("up == 1"), (CHANGE,)),
        Case(None, alert(), (CHANGE,)),
        Case(alert(hold=0), alert(hold=0), (CHANGE,)),
    ]
    steps = {each: MINUTE for case in cases for each in case.alerts}
    seen: list[tuple[int, int]] = []
    results, left_out = play(
        known, cases, WEEK, steps, Remembered({}), {}, lambda done, total: seen.append((done, total))
    )
    assert left_out == cases[:1]
    assert [each.verdict for each in results] == ["unknown", "more", "same"]
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_reasons_of_one_kind_are_one_diagnostic() -> None:
    results = [result(Unknown(f"no `m{n}`", "RC763"), NEVER, f"R{n}") for n in range(50)]
    (found,) = doubts(results)
    assert "50 alerts" in found.message
    assert found.message.endswith("and 47 more): no `m0`; and 49 other reasons")


def test_each_reason_is_told_once() -> None:
    results = [result(UNKNOWN, UNKNOWN, f"R{n}") for n in range(5)]
    results += [result(NEVER, Unknown("too wide", "RC765"), "Wide"), result(NEVER, ALWAYS, "Known")]
    first, second = doubts(results)
    assert (first.code, first.severity) == ("RC761", Severity.WARNING)
    assert "5 alerts" in first.message
    assert "`web/R0`, `web/R1`, `web/R2` and 2 more" in first.message
    assert second.code == "RC765"
    assert first.help
    assert second.help


def test_json_says_all_of_it() -> None:
    fault = Diagnostic("RC760", "short", severity=Severity.WARNING)
    found = backtest(
        result(fired((10, 20)), ALWAYS, "A", notes=("coarse",)),
        result(UNKNOWN, Absent(), "B"),
        diagnostics=(fault,),
        left_out=2,
    )
    data = json.loads(json.dumps(as_data(found)))
    assert data["version"] == 1
    assert data["summary"] == words.summary(found)
    assert (data["since"], data["until"]) == ("2023-11-15T00:00:00Z", "2023-11-22T00:00:00Z")
    assert data["unknown"] == 3
    first, second = data["results"]
    assert first["verdict"] == "constant"
    assert first["rules"] == [{"action": "change", "group": "web", "rule": "A", "name": "A"}]
    assert first["old"]["times"] == [
        {
            "labels": {"instance": "a"},
            "start": "2023-11-15T00:10:00Z",
            "end": "2023-11-15T00:20:00Z",
            "began_before": False,
            "goes_on": False,
        }
    ]
    assert first["new"]["constant"] is True
    assert first["notes"] == ["coarse"]
    assert second["old"] == {"known": False, "reason": "the server is tired", "code": "RC761"}
    assert second["new"] is None
    assert data["diagnostics"][0]["code"] == "RC760"


def test_json_of_very_many_firings_is_short() -> None:
    many = fired(*((n, n + 1) for n in range(0, 1000, 2)))
    side = as_data(backtest(result(NEVER, many)))["results"][0]["new"]
    assert (side["firings"], len(side["times"]), side["times_left_out"]) == (500, 100, 400)
