"""What promtool found in unit tests, as diagnostics at the entries that their authors wrote."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rulecompiler.complaints import blame
from rulecompiler.diagnostics import Diagnostic, Place, Related
from rulecompiler.promtool_output import (
    LABEL_SET,
    Failure,
    UnitResult,
    labels_of,
    read_complaint,
)
from rulecompiler.unittests.build import Case, Expectation
from rulecompiler.unittests.parts import milliseconds


def verdicts(cases: Sequence[Case], results: Sequence[UnitResult]) -> tuple[Diagnostic, ...]:
    """What failed, in the order of the cases; `results` is promtool's answer to each of them."""
    found: dict[Diagnostic, None] = {}  # a fault that two cases of one test share is said once
    for case, result in zip(cases, results, strict=True):
        for failure in result.failures:
            found.update(dict.fromkeys(_verdict(case, failure)))
    return tuple(found)


def _verdict(case: Case, failure: Failure) -> Iterator[Diagnostic]:
    if failure.kind == "file":
        yield from _whole_file(case, failure.message)
        return
    expectation = _expectation(case, failure)
    if expectation is None:
        yield _not_run(case, f"{failure.kind} {failure.subject} at {failure.time} failed")
        return
    place = case.place.at(expectation.field, expectation.number)
    if failure.message:
        yield Diagnostic(
            "RC621",
            f"promtool cannot run this query test: {failure.message}",
            place=place.at("exp_samples" if failure.message.startswith("labels ") else "expr"),
            help="correct the query, or the labels of the samples that it should give",
        )
    elif failure.kind == "alert":
        yield Diagnostic(
            "RC620",
            f"{failure.subject} at {failure.time} is not as the test expects",
            place=place,
            label=_counts(failure, "alert"),
            help=_difference(failure.expected, failure.got),
        )
    elif not _same(failure, expectation.ignored):
        yield Diagnostic(
            "RC620",
            f"the query at {failure.time} does not give what the test expects",
            place=place,
            label=_counts(failure, "sample"),
            help=_difference(failure.expected, failure.got),
        )


def _expectation(case: Case, failure: Failure) -> Expectation | None:
    field = "alert_rule_test" if failure.kind == "alert" else "promql_expr_test"
    return next(
        (
            each
            for each in case.expectations
            if each.field == field
            and each.subject == failure.subject
            and each.milliseconds == milliseconds(failure.time)
        ),
        None,
    )


# --- files that promtool could not run ---------------------------------------


def _whole_file(case: Case, message: str) -> Iterator[Diagnostic]:
    for name in case.rules:
        if message.startswith(f"{name}: "):
            for complaint in read_complaint(name, message.removeprefix(f"{name}: ")):
                fault = blame(complaint, case.rules, {case.template.path: case.template})
                yield Diagnostic(
                    fault.code,
                    fault.message,
                    fault.place,
                    fault.label,
                    fault.help,
                    related=(Related(case.place, "with this test's parameters"),),
                )
            return
    if "parse error" in message:
        yield Diagnostic(
            "RC621",
            f"promtool cannot read this input series: {message}",
            place=_bad_series(case),
            help=_SERIES_HELP,
        )
        return
    yield _not_run(case, message)


_SERIES_HELP = (
    'write a series such as `up{job="a"}`, and values such as `0 1 2`, `0x10` (0, then ten more), '
    "`1+1x10` (1, then ten more that grow by 1), `_` (missing) or `stale`"
)


def _not_run(case: Case, message: str) -> Diagnostic:
    return Diagnostic(
        "RC621",
        f"promtool cannot run this test: {message}",
        place=case.place,
        help="compare the test with promtool's unit testing format",
    )


_NUMBER = r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+|0[xX][\da-fA-F]+|[iI]nf|[nN]a[nN])(?:[eE][-+]?\d+)?"
_SAMPLE = re.compile(
    rf"(?:_(?:x\d+)?|stale|\{{\{{.*?\}}\}}(?:[-+]\{{\{{.*?\}}\}})?(?:x\d+)?"
    rf"|{_NUMBER}(?:[-+]{_NUMBER})?(?:x\d+)?)(?=\s|$)"
)


def _bad_series(case: Case) -> Place:
    """Which series promtool stumbled over; not every version says so itself."""
    series = case.test.get("input_series") or ()
    for number, each in enumerate(series):
        if _SAMPLE.sub("", str(each["values"])).strip():
            return case.place.at("input_series", number, "values")
    return case.place.at("input_series", 0) if len(series) == 1 else case.place.at("input_series")


# --- expected against got ----------------------------------------------------


def _same(failure: Failure, ignored: frozenset[str]) -> bool:
    """Whether the query's result differs only in labels that the author left to us.

    A scope label stands on a bare metric but not on an aggregation over it; both are as expected.
    """
    expected, got = (
        Counter(_without(sample, ignored) for sample in samples)
        for samples in (failure.expected, failure.got)
    )
    return expected == got


def _without(sample: str, ignored: frozenset[str]) -> tuple[frozenset[tuple[str, str]], str]:
    match = LABEL_SET.match(sample)
    if match is None:
        return frozenset(), sample
    labels = labels_of(match.group())
    return frozenset((k, v) for k, v in labels.items() if k not in ignored), sample[match.end() :]


def _counts(failure: Failure, noun: str) -> str:
    return f"expected {_count(failure.expected, noun)}, got {_count(failure.got, noun)}"


def _count(items: tuple[str, ...], noun: str) -> str:
    return f"{len(items)} {noun}" + ("" if len(items) == 1 else "s")


def _difference(expected: tuple[str, ...], got: tuple[str, ...]) -> str:
    """What differs, a line each: `-` for what is missing, `+` for what is there instead."""
    missing = list((Counter(expected) - Counter(got)).elements())
    surplus = list((Counter(got) - Counter(expected)).elements())
    lines = ["- expected, + got:"]
    lines += [f"- {item}" for item in missing]
    lines += [f"+ {item}" for item in surplus]
    if len(missing) == len(surplus) == 1:
        lines += _fields(missing[0], surplus[0])
    return "\n".join(lines)


def _fields(expected: str, got: str) -> Iterable[str]:
    """The labels and annotations in which two alerts or samples differ, by name."""
    before, after = labels_of(expected), labels_of(got)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"{name}: expected {_shown(before.get(name))}, got {_shown(after.get(name))}"


def _shown(value: str | None) -> str:
    return "none" if value is None else f'"{value}"'
