"""What `effective` prints: the rules of each target, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rulecompiler.explain import show_matcher
from rulecompiler.terminal import Painter, visible
from rulecompiler.words import show

if TYPE_CHECKING:
    from rulecompiler.diagnostics import Place, Span
    from rulecompiler.effective import Answer, Emitted
    from rulecompiler.forest import Forest

    Locate = Callable[[Place], Span]

_STYLES = {"critical": "error", "warning": "warning", "info": "info"}
_ORDER = ("critical", "warning", "info")
_LONGEST_CONFIG = 60


def as_json(answers: Sequence[Answer], forest: Forest, locate: Locate) -> str:
    """The replaced server's answer at the top where there is one target, and all of them below."""
    ids = {group.path: group.id for group in forest}
    targets = [_target(answer, forest, ids, locate) for answer in answers]
    data = {**(targets[0] if len(targets) == 1 else {}), "targets": targets}
    return json.dumps(data, indent=2) + "\n"


def _target(answer: Answer, forest: Forest, ids: dict[str, str], locate: Locate) -> dict[str, Any]:
    def told(rules: Sequence[Emitted], kind: str = "alert") -> list[dict[str, Any]]:
        return [_rule(each, forest, ids, locate) for each in rules if each.rule.kind == kind]

    rules = told(answer.rules)
    return {
        "target_id": answer.target.id,
        "hostname": answer.target.hostname,
        "target_labels": dict(answer.target.labels),
        "rules": rules,
        "total": len(rules),
        "records": told(answer.rules, "record"),
        "partial": told(answer.partial),
        "unscoped": told(answer.unscoped),
    }


def _rule(emitted: Emitted, forest: Forest, ids: dict[str, str], locate: Locate) -> dict[str, Any]:
    rule, resolved = emitted.rule, emitted.resolved
    source = forest.groups[ids[rule.entry.path]]
    span = locate(rule.entry.key())
    return {
        "id": emitted.id,
        "name": resolved.title,
        "severity": rule.labels.get("severity", ""),
        "query": rule.expr,
        "for_duration": rule.for_ or "0s",
        "labels": dict(rule.labels),
        "annotations": dict(rule.annotations),
        "config": {name: _plain(sourced.value) for name, sourced in resolved.params.items()},
        "source": "group" if source.scope else "global",
        "source_id": source.id,
        "source_name": source.name,
        "kind": rule.kind,
        "alert": rule.name if rule.kind == "alert" else None,
        "keep_firing_for": rule.keep_firing_for,
        "group_id": emitted.group.id,
        "group_name": emitted.group.name,
        "template": resolved.template.name,
        "matchers": [show_matcher(matcher) for matcher in emitted.matchers],
        "path": span.path,
        "line": span.line,
        "column": span.column,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return int(value) if value.is_integer() else float(value)
    return value


def as_text(answers: Sequence[Answer], locate: Locate, paint: Painter) -> str:
    """A table of rules for each target, the most severe first."""
    return "\n".join("".join(f"{line}\n" for line in _lines(answer, locate, paint)) for answer in answers)


def _lines(answer: Answer, locate: Locate, paint: Painter) -> Iterator[str]:
    labels = ", ".join(f'{k}="{v}"' for k, v in answer.target.labels.items())
    yield f"{paint(visible(answer.target.shown), 'bold')}  {paint(visible(f'{{{labels}}}'), 'dim')}"
    alerts = sorted((e for e in answer.rules if e.rule.kind == "alert"), key=_severest)
    records = [e for e in answer.rules if e.rule.kind == "record"]
    if not alerts:
        yield f"  {paint('no alert covers it', 'warning')}"
    yield from _table(alerts, locate, paint)
    for title, rules in (
        ("records", records),
        ("only series of it that bring another label", answer.partial),
        ("without a scope, so not for this target alone", answer.unscoped),
    ):
        if rules:
            yield ""
            yield f"  {title}:"
            matchers = rules is answer.partial
            yield from _table(sorted(rules, key=_severest), locate, paint, matchers=matchers)
    named = f"{len(alerts)} alert{'' if len(alerts) == 1 else 's'}"
    yield f"{named}, {len(records)} record{'' if len(records) == 1 else 's'}"


def _severest(emitted: Emitted) -> tuple[int, str, str]:
    severity = emitted.rule.labels.get("severity", "")
    rank = _ORDER.index(severity) if severity in _ORDER else len(_ORDER)
    return rank, severity, emitted.rule.name


def _table(
    rules: Sequence[Emitted], locate: Locate, paint: Painter, *, matchers: bool = False
) -> Iterator[str]:
    rows = []
    for each in rules:
        span = locate(each.rule.entry.key())
        said = ", ".join(map(show_matcher, each.matchers)) if matchers else _config(each)
        rows.append(
            (
                visible(each.rule.labels.get("severity", "") if each.rule.kind == "alert" else ""),
                visible(each.rule.name),
                visible(f"for {each.rule.for_}" if each.rule.for_ else ""),
                visible(said),
                visible(f"{span.path}:{span.line}"),
            )
        )
    wide = [max((len(row[i]) for row in rows), default=0) for i in range(4)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, wide, strict=False)]
        first = paint(cells[0], _STYLES.get(row[0], "bold"))
        yield (
            "  "
            + "  ".join(filter(str.strip, (first, *cells[1:3])))
            + f"  {cells[3]}  {paint(row[4], 'dim')}"
        )


def _config(emitted: Emitted) -> str:
    texts = []
    for name, sourced in emitted.resolved.params.items():
        value = sourced.value
        shown = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else show(value).strip('"')
        texts.append(f"{name}={shown}")
    text = " ".join(texts)
    return text if len(text) <= _LONGEST_CONFIG else text[: _LONGEST_CONFIG - 3] + "..."
