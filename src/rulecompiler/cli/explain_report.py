"""What `explain` prints: a table of values for people, and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rulecompiler import emit
from rulecompiler.diagnostics import Place, Span
from rulecompiler.explain import Explanation, Layer, Value, show_matcher
from rulecompiler.generated_file import file_name
from rulecompiler.model import RuleGroup, RuleSet
from rulecompiler.reporters.excerpt import source_lines
from rulecompiler.terminal import Painter, visible
from rulecompiler.words import show

Locate = Callable[[Place], Span]

_WIDTH = 110  # columns where the output is no terminal
_LONGEST_VALUE = 44
_LEVELS = {
    "template": "template",
    "group params": "group-wide params of {}",
    "group labels": "labels of {}",
    "group": "group {}",
    "group scope": "scope of {}",
    "rule entry": "rule entry of {}",
    "other rule": "covered by {}",
    "compiler": "compiler's default",
}
_UNSET = "the server's own"


def rule_text(explanation: Explanation) -> str:
    """The rule as it stands in the generated file; empty where there is none."""
    rule, group = explanation.compiled, explanation.rule_group
    if rule is None or group is None:
        return ""
    alone = RuleGroup(group.name, None, None, None, (rule,))
    text = emit.emit(RuleSet(explanation.group.id, (), (alone,)))
    return text.partition("  rules:\n")[2].partition("\n")[2]  # without the line that names the template


# --- JSON -----------------------------------------------------------------------


def as_json(explanation: Explanation, locate: Locate, texts: Mapping[str, str], folder: str) -> str:
    """The object that docs/json.md describes."""
    group, rule, compiled = explanation.group, explanation.rule, explanation.compiled
    rule_group = explanation.rule_group
    data = {
        "group": {"id": group.id, "name": group.name, "path": group.path},
        "rule": rule.name,
        "name": explanation.name,
        "kind": rule.template.kind,
        "template": {"name": rule.template.name, "path": rule.template.path},
        "status": explanation.status,
        "required_by": explanation.required_by or None,
        "file": f"{folder}/{file_name(group.id)}" if compiled is not None else None,
        "rule_group": rule_group.name if rule_group is not None else None,
        "query": compiled.expr if compiled is not None else None,
        "yaml": rule_text(explanation) or None,
        "covered_by": [
            {
                "group_id": cover.group.id,
                "group_name": cover.group.name,
                "rule": cover.rule.name,
                "name": cover.name,
                "enabled": cover.rule.enabled,
                "slice": [show_matcher(m) for m in cover.apart],
                **_place(locate(cover.rule.entry.key())),
            }
            for cover in explanation.covered_by
        ],
        "values": [_value(value, locate, texts) for value in explanation.values],
    }
    return json.dumps(data, indent=2) + "\n"


def _value(value: Value, locate: Locate, texts: Mapping[str, str]) -> dict[str, Any]:
    origin = value.origin
    return {
        "field": value.field,
        "key": value.key or None,
        "value": _plain(value.value),
        "source": _layer(origin.source, locate, texts),
        "reset_by": _layer(origin.reset, locate, texts),
        "overrode": [_layer(layer, locate, texts) for layer in origin.overrode],
    }


def _layer(layer: Layer | None, locate: Locate, texts: Mapping[str, str]) -> dict[str, Any] | None:
    if layer is None:
        return None
    span = locate(layer.place)
    return {
        "value": _plain(layer.value),
        "level": layer.level,
        "group": layer.group or None,
        **_place(span),
        "text": _line(span, texts),
    }


def _place(span: Span) -> dict[str, Any]:
    return {"path": span.path, "line": span.line, "column": span.column}


def _line(span: Span, texts: Mapping[str, str]) -> str:
    lines = source_lines(texts[span.path])
    return lines[span.line - 1].strip() if span.line <= len(lines) else ""


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers as YAML reads them may be types of their own."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value - value == 0:  # neither infinite nor NaN
        return float(value)
    return str(value)


# --- text -----------------------------------------------------------------------


def as_text(
    explanation: Explanation,
    locate: Locate,
    texts: Mapping[str, str],
    folder: str,
    paint: Painter,
    width: int | None,
) -> str:
    """For people; at most `width` columns where a value does not need more."""
    lines = [*_head(explanation, locate, folder, paint), ""]
    text = rule_text(explanation)
    if text:
        lines += [*map(visible, text.rstrip("\n").split("\n")), ""]
    rows = [row for value in explanation.values for row in _rows(value, locate)]
    wide = [min(max((len(row[i]) for row in rows), default=0), _LONGEST_VALUE) for i in range(3)]
    field = ""
    for value in explanation.values:
        if value.field != field and field:
            lines.append("")
        field = value.field
        for number, (name, shown, place, level) in enumerate(_rows(value, locate)):
            cells = f"{name:<{wide[0]}}  {shown:<{wide[1]}}  {place:<{wide[2]}}  {level}".rstrip()
            lines.append(paint(cells, "dim") if number else _bright(cells, name, paint))
            if number == 0:
                quoted = _quoted(value, locate, texts)
                lines += [paint(f"{'':<{wide[0]}}  | {quoted}"[: width or _WIDTH], "cyan")] if quoted else []
    return "\n".join(lines) + "\n"


def _head(explanation: Explanation, locate: Locate, folder: str, paint: Painter) -> Iterator[str]:
    group, rule = explanation.group, explanation.rule
    yield paint(visible(explanation.name), "bold")
    kind = f"{rule.template.kind} from the template {rule.template.name} ({rule.template.path})"
    yield f"  {visible(kind)}"
    named = f"{group.id} ({group.name})" if group.name != group.id else group.id
    asked = f"required by `{explanation.required_by}`" if explanation.required_by else "asked for"
    yield f"  group {visible(named)}: {visible(asked)} at {_at(locate(rule.entry.key()))}"
    if explanation.status == "abstract":
        yield "  not compiled: the group is abstract, and hands the rule on"
    elif explanation.status == "disabled":
        yield f"  not compiled: {paint('disabled', 'warning')} here"
    elif explanation.rule_group is not None:
        stands = f"  compiled to {folder}/{file_name(group.id)}, in the group {explanation.rule_group.name}"
        yield visible(stands)
    for cover in explanation.covered_by:
        what = ", ".join(show_matcher(m) for m in cover.apart)
        where = _at(locate(cover.rule.entry.key()))
        if not cover.rule.enabled:
            yield f"  {visible(what or 'all of it')}: disabled by {cover.group.id} at {where}"
        elif explanation.status == "emitted":
            yield f"  {visible(what)}: left to {cover.name} of {cover.group.id} at {where}"
        else:
            covered = paint("covered", "warning")
            yield (
                f"  not compiled here: {covered} by {visible(cover.name)} of {cover.group.id} at {where}; "
                f"`rulecompiler explain {cover.group.id} {visible(cover.rule.name)}`"
            )


def _rows(value: Value, locate: Locate) -> Iterator[tuple[str, str, str, str]]:
    """Name, value, place and level of a value, then of each that it overrode."""
    name = f"{value.field}.{value.key}" if value.key and value.field != "name" else value.field
    if value.field == "name" and value.key:
        name = f"name's {value.key}"
    origin = value.origin
    if origin.source is None:
        shown = "(none)" if value.field == "params" else _UNSET
        level = "" if origin.reset is None else _level(origin.reset)
        yield visible(name), shown, "" if origin.reset is None else _at(locate(origin.reset.place)), level
    else:
        shown = _short(value.value)
        yield visible(name), shown, _at(locate(origin.source.place)), _level(origin.source, value.field)
    if origin.reset is not None and origin.source is not None:
        yield "", "null takes it back", _at(locate(origin.reset.place)), _level(origin.reset)
    for layer in origin.overrode:
        yield "", f"instead of {_short(layer.value)}", _at(locate(layer.place)), _level(layer, value.field)


def _level(layer: Layer, field: str = "") -> str:
    if layer.level == "template" and field == "params":
        return "template's default"
    return visible(_LEVELS[layer.level].format(layer.group))


def _short(value: Any) -> str:
    if isinstance(value, list):
        value = json.dumps(_plain(value), ensure_ascii=False)
    text = visible(" ".join(value.split())) if isinstance(value, str) else show(_plain(value))
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def _quoted(value: Value, locate: Locate, texts: Mapping[str, str]) -> str:
    """The line of a value that overrode another: there one reads at once what is meant."""
    source = value.origin.source
    if source is None or not value.origin.overrode or value.field not in ("params", "for", "keep_firing_for"):
        return ""
    return visible(_line(locate(source.place), texts))


def _bright(cells: str, name: str, paint: Painter) -> str:
    return paint(name, "bold") + cells[len(name) :]


def _at(span: Span) -> str:
    return visible(f"{span.path}:{span.line}:{span.column}")
