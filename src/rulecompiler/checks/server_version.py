"""RC403: something that the oldest server of the settings, `prometheus.version`, does not have yet.

promtool finds these only where it is as old as that server. The versions are those of Prometheus'
changelog; experimental functions count from the version that first knows their name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from rulecompiler.checks.options import Options
from rulecompiler.diagnostics import Diagnostic, Pointer, Related
from rulecompiler.model import Rule, RuleSet
from rulecompiler.promql.lexer import IDENT, PUNCT, STRING, TRIVIA, lex, unquote
from rulecompiler.words import show

Version = tuple[int, int]

LIMIT: Version = (2, 31)
KEEP_FIRING_FOR: Version = (2, 42)
QUERY_OFFSET: Version = (2, 53)
QUOTED_NAMES: Version = (3, 0)
PROMQL_FUNCTIONS: dict[str, Version] = {
    "present_over_time": (2, 29),
    "histogram_stddev": (2, 47),
    "histogram_stdvar": (2, 47),
    "mad_over_time": (2, 49),
    "sort_by_label": (2, 49),
    "sort_by_label_desc": (2, 49),
    "histogram_avg": (2, 51),
    "limitk": (2, 54),
    "limit_ratio": (2, 54),
    "info": (2, 55),
    "double_exponential_smoothing": (3, 0),
    "ts_of_min_over_time": (3, 5),
    "ts_of_max_over_time": (3, 5),
    "ts_of_last_over_time": (3, 5),
    "first_over_time": (3, 7),
    "ts_of_first_over_time": (3, 7),
}
TEMPLATE_FUNCTIONS: dict[str, Version] = {
    "parseDuration": (2, 32),
    "stripPort": (2, 33),
    "stripDomain": (2, 36),
    "toTime": (2, 38),
    "now": (3, 6),
    "toDuration": (3, 6),
    "urlQueryEscape": (3, 8),
}

_STRING = r"""(?:"[^"\\]*+(?:\\.[^"\\]*+)*"|'[^'\\]*+(?:\\.[^'\\]*+)*'|`[^`]*+`)"""
# A quote where a name is due, after none or some ordinary matchers; or what looks like it in a string.
_QUOTED_NAME = re.compile(rf"""\{{(?:\s*+[^"'`{{}}\s][^"'`{{}}]*+{_STRING}\s*+,)*\s*+["'`]""")

# `info` alone is in half of all metric names.


@lru_cache
def _call(name: str) -> re.Pattern[str]:
    return re.compile(rf"{name}\s*+(?:\(|by|without)")


def check(rules: RuleSet, options: Options) -> Iterator[Diagnostic]:
    """Yields an RC403 for each field, function or spelling that is too new, once a template."""
    oldest = options.prometheus_version
    yield from _group_fields(rules, oldest)
    no_keep_firing_for, no_quoted_names = oldest < KEEP_FIRING_FOR, oldest < QUOTED_NAMES
    calls = tuple(name for name, since in PROMQL_FUNCTIONS.items() if since > oldest)
    functions = tuple(name for name, since in TEMPLATE_FUNCTIONS.items() if since > oldest)
    seen: set[tuple[str, str]] = set()
    # Almost nothing is too new: what no rule of a group can have is ruled out for all at once.
    for group in rules.groups:
        all_exprs = "\n".join([rule.expr for rule in group.rules])
        suspects = [_call(name) for name in calls if name in all_exprs and _call(name).search(all_exprs)]
        if no_quoted_names and _QUOTED_NAME.search(all_exprs):
            suspects.append(_QUOTED_NAME)
        all_texts = "\n".join([text for rule in group.rules for text in rule.annotations.values()])
        all_labels = "\n".join([text for rule in group.rules for text in rule.labels.values()])
        used = [name for name in functions if name in all_texts or name in all_labels]
        for rule in group.rules:
            if no_keep_firing_for and rule.keep_firing_for is not None:
                yield from _report(rule, (_KEEP_FIRING_FOR,), oldest, seen)
            for suspect in suspects:
                if suspect.search(rule.expr):
                    yield from _report(rule, _in_query(rule.expr, oldest), oldest, seen)
            if used and rule.kind == "alert":
                yield from _report(rule, _in_texts(rule, used), oldest, seen)


class _Found(NamedTuple):
    what: str
    since: Version
    keys: tuple[str, ...]  # where in the template's file, and in the group's entry


_KEEP_FIRING_FOR = _Found("the field `keep_firing_for`", KEEP_FIRING_FOR, ("keep_firing_for",))


def _group_fields(rules: RuleSet, oldest: Version) -> Iterator[Diagnostic]:
    """A group's own fields; whether they are inherited, a rule set does not say."""
    for name, since in (("limit", LIMIT), ("query_offset", QUERY_OFFSET)):
        if since > oldest and any(getattr(group, name) is not None for group in rules.groups):
            place = Pointer(rules.sources[-1], (name,)).key() if rules.sources else None
            help = _help(f"remove `{name}`, here or in the group that hands it down")
            yield Diagnostic("RC403", _message(f"the field `{name}`", since, oldest), place, help=help)


def _in_query(expr: str, oldest: Version) -> Iterator[_Found]:
    readable, _ = lex(expr)  # if that is not all, the parser or promtool will say so
    tokens = [token for token in readable if token.kind not in TRIVIA]
    in_braces = False
    for token, after in pairwise(tokens):
        if token.kind == PUNCT:
            in_braces = token.text == "{" or (in_braces and token.text != "}")
            if in_braces and token.text in "{," and after.kind == STRING and oldest < QUOTED_NAMES:
                yield _Found(f"the quoted name {show(unquote(after.text))}", QUOTED_NAMES, ("expr",))
        since = PROMQL_FUNCTIONS.get(token.text, oldest)
        if since > oldest and token.kind == IDENT and after.text.lower() in ("(", "by", "without"):
            yield _Found(f"the PromQL function `{token.text}`", since, ("expr",))


def _in_texts(rule: Rule, names: list[str]) -> Iterator[_Found]:
    for texts, what in ((rule.annotations, "annotations"), (rule.labels, "labels")):
        for key, text in texts.items():
            if "{{" not in text or not any(name in text for name in names):
                continue
            from rulecompiler import gotemplate  # wanted for what may well be too new only

            for name in sorted(gotemplate.functions(text).intersection(names)):
                yield _Found(f"the template function `{name}`", TEMPLATE_FUNCTIONS[name], (what, key))


def _report(
    rule: Rule, things: Iterable[_Found], oldest: Version, seen: set[tuple[str, str]]
) -> Iterator[Diagnostic]:
    """Diagnostics for what was not yet reported for the rule's template."""
    for found in things:
        if (rule.template, found.what) not in seen:
            seen.add((rule.template, found.what))
            yield Diagnostic(
                "RC403",
                _message(found.what, found.since, oldest),
                rule.overrides.get(found.keys, Pointer(rule.template, found.keys)),
                help=_help("do without it"),
                related=(Related(rule.entry.at(*found.keys), "compiled for this rule"),),
            )


def _message(what: str, since: Version, oldest: Version) -> str:
    new, old = (".".join(map(str, version)) for version in (since, oldest))
    return f"{what} needs Prometheus {new}, but `prometheus.version` promises {old}"


def _help(other: str) -> str:
    return f"raise `prometheus.version` if no older server loads these rules; otherwise {other}"
