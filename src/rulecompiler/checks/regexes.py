"""RC415: a regular expression that is not needed, or matches everything."""

from __future__ import annotations

from collections.abc import Iterator

from rulecompiler.checks.subject import At, Finding, Subject
from rulecompiler.diagnostics import Severity
from rulecompiler.model import Matcher
from rulecompiler.promql.regexes import alternatives


def check(rule: Subject) -> Iterator[Finding]:
    """Yields one for each such matcher that stands in the template itself, not in a parameter's value."""
    seen: set[Matcher] = set()
    for selector in rule.selectors():
        for matcher in selector.matchers:
            if matcher.op not in ("=~", "!~") or matcher in seen:
                continue
            seen.add(matcher)
            at = rule.template.expr.find(matcher.value)
            found = _judge(matcher) if at >= 0 and matcher.value else None
            if found is not None:
                message, help, severity = found
                place = At(("expr",), at, at + len(matcher.value))
                yield Finding("RC415", message, place, severity, help=help)


def _judge(matcher: Matcher) -> tuple[str, str, Severity] | None:
    label, op, value = matcher
    if value == ".*":
        if op == "!~":
            return f'`{label}!~".*"` matches nothing at all', "take it out", Severity.WARNING
        return f'`{label}=~".*"` matches everything', "take it out", Severity.INFO
    parts = alternatives(value)
    if parts is not None and len(parts) == 1:
        plain = "=" if op == "=~" else "!="
        return (
            f"the pattern of `{label}` is plain text",
            f'write `{label}{plain}"{value}"`, which is faster',
            Severity.INFO,
        )
    if value.startswith("^") or (value.endswith("$") and not value.endswith("\\$")):
        return (
            f"the pattern of `{label}` is anchored twice",
            "take `^` and `$` out: Prometheus matches the whole value anyway",
            Severity.INFO,
        )
    return None
