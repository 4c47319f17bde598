"""The syntax of the Go templates in annotations and alert labels, as Prometheus checks it at load.

Prometheus parses each text when it loads a rule, and so does this package, without running it: what
only a run can tell (`{{ $labels.a.b }}`, a `{{ template }}` that nobody defined) is let through. It
refuses nothing that a supported Prometheus accepts; promtool has the last word on the rest.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rulecompiler.gotemplate.blocks import Checker
from rulecompiler.gotemplate.pipelines import FUNCTIONS
from rulecompiler.gotemplate.tokens import Fault, Unsure, read_action, skip_comment

__all__ = ["FUNCTIONS", "Fault", "check", "functions"]

# Most actions are one of these, which neither open a block nor declare a variable.
_UNUSUAL = re.compile(
    r"\{\{(?!(?:- )? *\$(?:(?:labels|externalLabels)\.[A-Za-z_][A-Za-z0-9_]*|value|externalURL)"
    r"(?: *\| *(?:humanize(?:1024|Duration|Percentage|Timestamp)?|title|toUpper|toLower))* *(?: -)?\}\})"
)


@lru_cache(maxsize=4_096)
def check(text: str) -> tuple[Fault, ...]:
    """What is wrong with the template `text`, in order; nothing where Prometheus may accept it.

    One fault an action at most, and 20 in all; offsets count characters of `text`.
    """
    if _UNUSUAL.search(text) is None:
        return ()
    try:
        return tuple(Checker(text).run())
    except Unsure:
        return ()


def functions(text: str) -> frozenset[str]:
    """The functions that the template `text` calls, as far as it can be read."""
    used: set[str] = set()
    pos = 0
    while (start := text.find("{{", pos)) >= 0:
        comment = skip_comment(text, start)
        if isinstance(comment, int):
            pos = comment
            continue
        if comment is not None:
            break
        try:
            action = read_action(text, start)
        except Unsure:
            break
        used.update(token.text for token in action.tokens if token.kind == "word")
        if action.fault is not None:
            break
        pos = action.opener.end
    return FUNCTIONS & used
