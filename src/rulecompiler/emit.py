"""The text of a generated rule file: what Prometheus loads and what a reviewer reads in a diff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from rulecompiler.generated_file import MARKER
from rulecompiler.model import Rule, RuleGroup, RuleSet
from rulecompiler.yaml_scalar import block, double_quoted, inline, is_plain


def emit(rules: RuleSet) -> str:
    """The whole file, ending in a line break; the same rules give the same text everywhere."""
    parts = list(_header(rules))
    if not rules.groups:
        parts.append("groups: []")
    else:
        parts.append("groups:")
        inherited = frozenset(rules.sources[:-1])
        for number, group in enumerate(rules.groups):
            if number:
                parts.append("")
            _group(group, inherited, parts)
    parts.append("")
    return "\n".join(parts)


def _header(rules: RuleSet) -> Iterator[str]:
    yield f"# {MARKER} Do not edit: the next compile overwrites this file."
    yield f"# Group {_comment(rules.group_id)}, from:"
    for source in rules.sources:
        yield f"#   {_comment(source)}"
    yield "# To change a rule, edit its template (named above the rule) or a group file,"
    yield "# then run `rulecompiler compile` and commit both."


@lru_cache(maxsize=4_096)
def _comment(text: str) -> str:
    # A path may hold a line break or a control character, which must not end the comment.
    return text if is_plain(text) else double_quoted(text)


def _group(group: RuleGroup, inherited: frozenset[str], parts: list[str]) -> None:
    parts.append(f"- name: {inline(group.name)}")
    if group.interval is not None:
        parts.append(f"  interval: {inline(group.interval)}")
    if group.query_offset is not None:
        parts.append(f"  query_offset: {inline(group.query_offset)}")
    if group.limit is not None:
        parts.append(f"  limit: {group.limit}")
    if not group.rules:
        parts.append("  rules: []")
        return
    parts.append("  rules:")
    for number, rule in enumerate(group.rules):
        if number:
            parts.append("")
        _rule(rule, inherited, parts)


def _rule(rule: Rule, inherited: frozenset[str], parts: list[str]) -> None:
    origin = f"  # {_comment(rule.template)}"
    if rule.entry.path in inherited:
        origin += f", inherited from {_comment(rule.entry.path)}"
    parts.append(origin)
    parts.append(f"  - {rule.kind}: {inline(rule.name)}")
    # An expression's last line breaks come from how the author's YAML was written, no more.
    expr = rule.expr.rstrip("\n")
    parts.append(f"    expr: {block(expr, '    ')}")
    if rule.for_ is not None:
        parts.append(f"    for: {inline(rule.for_)}")
    if rule.keep_firing_for is not None:
        parts.append(f"    keep_firing_for: {inline(rule.keep_firing_for)}")
    if rule.labels:
        _mapping("labels", rule.labels, parts)
    if rule.annotations:
        _mapping("annotations", rule.annotations, parts)


def _mapping(name: str, values: Mapping[str, str], parts: list[str]) -> None:
    parts.append(f"    {name}:")
    parts.extend([_entry(key, value) for key, value in values.items()])


@lru_cache(maxsize=16_384)
def _entry(key: str, value: str) -> str:
    return f"      {inline(key)}: {block(value, '      ')}"
