"""What promtool prints, read into data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Complaint(NamedTuple):
    """One thing that `promtool check rules` holds against a file.

    `group`, `rule_index` (from 0, within the group) and `rule_name` are None where it is not
    about one rule; `line` is the rule file's, from 1, where promtool gives one.
    """

    file_name: str
    group: str | None
    rule_index: int | None
    rule_name: str | None
    message: str
    line: int | None = None


class CheckResult(NamedTuple):
    """What promtool's check found in one file."""

    file_name: str
    complaints: tuple[Complaint, ...]


class Failure(NamedTuple):
    """One thing that went wrong in a unit test file.

    `kind` is "alert" or "expr" for an expectation that was not met, with the alert's name or the
    expression as `subject` and promtool's spelling of the time; or "file" for a file that could
    not be run at all. `expected` and `got` hold one item an alert or sample. `message` is
    promtool's own, where it gave one instead.
    """

    kind: str
    subject: str
    time: str
    expected: tuple[str, ...]
    got: tuple[str, ...]
    message: str = ""


class UnitResult(NamedTuple):
    """How one unit test file fared: good if there are no failures."""

    file_name: str
    failures: tuple[Failure, ...]


class Unexpected(Exception):
    """promtool said something that is not in its words; the message completes "it …"."""


# --- promtool check rules ---------------------------------------------------

QUOTED = r'"(?:[^"\\]|\\.)*"'
_POSITION = re.compile(r"(?:(\d+):(\d+): )?(?:(\d+):(\d+): )?")
_IN_RULE = re.compile(rf"group ({QUOTED}), rule (\d+), ({QUOTED}): (.*)", re.DOTALL)
_REPEATED = re.compile(rf"groupname: ({QUOTED}) is repeated")
_YAML_LINE = re.compile(r"\s*line (\d+): (.*)")


def read_check(output: str, exit_code: int, names: Sequence[str]) -> list[CheckResult]:
    """The answer of `promtool check rules` on the files `names`, one result each, in order.

    Both of promtool's streams are expected in one. Raises Unexpected if anything is missing or
    contradictory, such as a file without a verdict or an exit code against the verdicts.
    """
    results = [
        CheckResult(name, tuple(sorted(set(_complaints(name, lines)), key=_order)))
        for name, lines in _sections(output.splitlines(), names)
    ]
    _agree(exit_code, any(result.complaints for result in results))
    return results


def _order(complaint: Complaint) -> tuple[object, ...]:
    # promtool walks over labels and annotations in no order; a run must always report the same.
    group, index = complaint.group or "", -1 if complaint.rule_index is None else complaint.rule_index
    return complaint.line is None, complaint.line or 0, group, index, complaint.message


def _agree(exit_code: int, failed: bool) -> None:
    if exit_code not in (0, 1):
        raise Unexpected("ended with an exit code that promtool does not use for rules")
    if failed != (exit_code == 1):
        raise Unexpected(
            "found faults but ended as if there were none" if failed else "failed but named no fault"
        )


def _sections(lines: list[str], names: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each file's name with the lines below its `Checking <name>`."""
    starts: list[int] = []
    for number, line in enumerate(lines):
        if len(starts) < len(names) and line == f"Checking {names[len(starts)]}":
            starts.append(number)
    if len(starts) != len(names):
        raise Unexpected(f"spoke of {len(starts)} of {len(names)} files")
    for name, start, end in zip(names, starts, [*starts[1:], len(lines)], strict=True):
        yield name, [line for line in lines[start + 1 : end] if line.strip()]


def _complaints(name: str, lines: list[str]) -> Iterator[Complaint]:
    if not lines:
        raise Unexpected(f"gave no verdict on {name}")
    if re.fullmatch(r"  SUCCESS: \d+ rules found", lines[0]) and len(lines) == 1:
        return
    if lines[0] != "  FAILED:" or len(lines) == 1:
        raise Unexpected(f"gave no clear verdict on {name}")
    messages: list[str] = []
    for line in lines[1:]:
        if line.startswith(f"{name}: "):
            messages.append(line.removeprefix(f"{name}: "))
        elif messages:
            messages[-1] += "\n" + line
        else:
            messages.append(line)
    for message in messages:
        yield from read_complaint(name, message)


def read_complaint(name: str, text: str) -> Iterator[Complaint]:
    """The complaints in one message of promtool's about the rule file `name`."""
    if text.startswith("yaml: unmarshal errors:\n"):
        for part in text.split("\n")[1:]:
            at = _YAML_LINE.fullmatch(part)
            line, message = (int(at[1]), at[2]) if at else (None, part.strip())
            yield Complaint(name, None, None, None, message, line)
        return
    position = _POSITION.match(text)
    assert position is not None  # it matches the empty string
    rest = text[position.end() :]
    # "0:0" stands for a field that is not there; then the second position is the rule's.
    line = next((int(n) for n in (position[1], position[3]) if n and n != "0"), None)
    in_rule = _IN_RULE.fullmatch(rest)
    if in_rule:
        group, index, rule, message = in_rule.groups()
        yield Complaint(name, unquote(group), int(index) - 1, unquote(rule), message, line)
        return
    repeated = _REPEATED.match(rest)
    yield Complaint(name, unquote(repeated[1]) if repeated else None, None, None, rest, line)


_GO_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))", re.DOTALL)
_GO_SHORT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def unquote(quoted: str) -> str:
    """The string that Go's `%q` wrote as `quoted`, quotes included."""

    def plain(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return chr(int(code, 16)) if code else _GO_SHORT.get(match[4], match[4])

    return _GO_ESCAPE.sub(plain, quoted[1:-1])


# --- promtool test rules ----------------------------------------------------

_ALERT = re.compile(r"    alertname: (.*), time: (\S+), ?")
_EXPR = re.compile(rf"    expr: ({QUOTED}), time: ([^\s,]+),(?: err: (.*))?")
_VALUES = re.compile(r"        (exp|got): (.*)")


def read_test(output: str, exit_code: int, names: Sequence[str]) -> list[UnitResult]:
    """The answer of `promtool test rules` on the test files `names`, one result each, in order.

    Raises Unexpected as `read_check` does.
    """
    # promtool 3 does not say which file it tests, but each file has exactly one verdict.
    verdicts: list[tuple[str, list[str]]] = []
    for line in output.splitlines():
        if line in ("  SUCCESS", "  FAILED:"):
            verdicts.append((line.strip(" :"), []))
        elif verdicts and line.strip() and not line.startswith("Unit Testing:"):
            verdicts[-1][1].append(line)
    if len(verdicts) != len(names):
        raise Unexpected(f"gave {len(verdicts)} verdicts on {len(names)} test files")
    results: list[UnitResult] = []
    for name, (verdict, lines) in zip(names, verdicts, strict=True):
        failures = tuple(_failures(lines))
        if (verdict == "FAILED") != bool(failures):
            raise Unexpected(f"gave no clear verdict on {name}")
        results.append(UnitResult(name, failures))
    _agree(exit_code, any(result.failures for result in results))
    return results


def _failures(lines: list[str]) -> Iterator[Failure]:
    remaining = list(reversed(lines))
    while remaining:
        line = remaining.pop()
        if alert := _ALERT.fullmatch(line):
            yield Failure("alert", alert[1], alert[2], _alerts("exp", remaining), _alerts("got", remaining))
        elif expr := _EXPR.fullmatch(line):
            if expr[3] is not None:
                yield Failure("expr", unquote(expr[1]), expr[2], (), (), expr[3])
                continue
            expected, got = _samples("exp", remaining), _samples("got", remaining)
            yield Failure("expr", unquote(expr[1]), expr[2], expected, got)
        elif not line.startswith("    name: "):
            message = line.strip()
            while remaining and remaining[-1].startswith("  line "):  # of "yaml: unmarshal errors:"
                message += " " + remaining.pop().strip()
            yield Failure("file", "", "", (), (), message)


def _alerts(which: str, remaining: list[str]) -> tuple[str, ...]:
    opening = remaining.pop().strip() if remaining else ""
    if not opening.startswith(f"{which}:["):
        raise Unexpected(f"left out what an alert test {which}")
    found: list[str] = []
    text = opening.removeprefix(f"{which}:[")
    while not text.startswith("]"):
        if not remaining:
            raise Unexpected("broke off in the middle of a list of alerts")
        text = remaining.pop().strip()
        if text.startswith("Labels:"):
            found.append(text.removeprefix("Labels:"))
        elif text.startswith("Annotations:") and found:
            found[-1] += " " + text.removeprefix("Annotations:")
    return tuple(found)


def _samples(which: str, remaining: list[str]) -> tuple[str, ...]:
    match = _VALUES.fullmatch(remaining.pop() if remaining else "")
    if match is None or match[1] != which:
        raise Unexpected(f"left out what a query test {which}")
    return tuple(split_samples(match[2]))


LABEL_SET = re.compile(rf"\{{(?:(?:[\w:.]+|{QUOTED})={QUOTED}(?:, )?)*\}}")
_LABEL = re.compile(rf"([\w:.]+|{QUOTED})=({QUOTED})")


def split_samples(text: str) -> Iterator[str]:
    """The samples of promtool's `{a="b"} 1E+00, {…} 2E+00`; of `nil`, none."""
    if text in ("nil", ""):
        return
    starts: list[int] = []
    position = 0
    while match := LABEL_SET.search(text, position):
        # A native histogram's value has braces too; only what follows a comma is a next sample.
        if not starts or text[: match.start()].endswith(", "):
            starts.append(match.start())
        position = match.end()
    if not starts:
        yield text
        return
    for start, end in zip(starts, [*starts[1:], len(text) + 2], strict=True):
        yield text[start : end - 2]


def labels_of(text: str) -> dict[str, str]:
    """The labels of a label set as promtool prints it, braces included."""
    return {
        unquote(name) if name.startswith('"') else name: unquote(value)
        for name, value in _LABEL.findall(text)
    }
