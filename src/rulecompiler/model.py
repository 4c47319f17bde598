"""The frozen types that the stages hand on; each stage has its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NamedTuple

from rulecompiler.diagnostics import Pointer

MatchOp = Literal["=", "!=", "=~", "!~"]
RuleKind = Literal["alert", "record"]
AlertNames = Literal["qualified", "plain"]


class Matcher(NamedTuple):
    """A PromQL label matcher; `value` is the plain string, not yet quoted."""

    label: str
    op: MatchOp
    value: str


class Source(NamedTuple):
    """A text file of the repo: `path` is relative to the repo's root, with forward slashes."""

    path: str
    text: str


class Document(NamedTuple):
    """A parsed YAML file: plain dicts, lists and scalars as YAML 1.2 reads them."""

    path: str
    data: Any


class Param(NamedTuple):
    """A template's parameter; `schema` is its JSON Schema as written, format included."""

    name: str
    schema: Mapping[str, Any]
    required: bool  # it has no default
    default: Any = None

    @property
    def format(self) -> str:
        """`duration`, `promql`, `regex`, `label`, `metric`, or empty."""
        return str(self.schema.get("format", ""))


@dataclass(frozen=True, slots=True)
class Template:
    """One template file. Strings may still hold `${…}`."""

    path: str
    name: str  # path under the templates folder, without the ending
    kind: RuleKind
    rule: str  # the alert's or record's own name
    category: str
    params: Mapping[str, Param]
    expr: str
    for_: str | None
    keep_firing_for: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    scope: bool
    unscoped: frozenset[str]
    requires: tuple[str, ...]
    tests: tuple[Mapping[str, Any], ...]  # as written, valid by the schema
    description: str = ""

    def pointer(self, *keys: str | int) -> Pointer:
        """The place of one of this template's values."""
        return Pointer(self.path, keys)


@dataclass(frozen=True, slots=True)
class Group:
    """One group file. `None` inside a mapping is a written `null`: back to the template's.

    `rules` holds the entries as written, valid by the schema; `scope` is decoded, with the
    default `{group_id: <group>}` filled in.
    """

    path: str
    id: str
    name: str
    parent: str | None
    abstract: bool
    scope: tuple[Matcher, ...]  # sorted by label, one a label
    labels: Mapping[str, str | None]
    params: Mapping[str, Any]
    rules: Mapping[str, Mapping[str, Any] | None]
    settings: Mapping[str, str | int | None] = field(default_factory=dict)
    """`interval`, `limit` and `query_offset`, as far as they are written."""

    def pointer(self, *keys: str | int) -> Pointer:
        """The place of one of this group's values."""
        return Pointer(self.path, keys)


class SegmentKind(Enum):
    """Whose text a segment is, which decides what it may be."""

    TEXT = "text"  # the author's own
    NUMBER = "number"  # a numeric value: one number, perhaps negative
    STRING = "string"  # outside quotes one identifier, number or duration; inside, escaped
    PROMQL = "promql"  # a whole expression (`format: promql`)


class Segment(NamedTuple):
    """A run of rendered text; `start` and `end` say where in the template's string it came from.

    `text` of a value is not yet escaped: only PromQL knows whether it stands inside quotes.
    """

    text: str
    start: int
    end: int
    kind: SegmentKind = SegmentKind.TEXT


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as Prometheus gets it: rendered, scoped and proven.

    `expr` is `template.expr` with values and scope put in; `labels` and `annotations` are in
    output order. `template` and `entry` say who is to blame: the template's file, and the place
    in a group file that asks for this rule.
    """

    kind: RuleKind
    name: str
    expr: str
    for_: str | None
    keep_firing_for: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    template: str
    entry: Pointer
    overrides: Mapping[tuple[str, ...], Pointer] = field(default_factory=dict)
    """Where groups wrote the texts that do not come from the template, by their keys in a rule."""
    narrowed: bool = True
    """Whether any selector of its query takes a scope; without one it sees everybody's targets."""


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """A Prometheus rule group: `<group name>_<category>`, records before alerts."""

    name: str
    interval: str | None
    limit: int | None
    query_offset: str | None
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that one group compiles to, before it is written as YAML.

    `sources` are the group files that it comes from, root first.
    """

    group_id: str
    sources: tuple[str, ...]
    groups: tuple[RuleGroup, ...]

    @property
    def rule_count(self) -> int:
        """How many rules, over all Prometheus groups."""
        return sum(len(group.rules) for group in self.groups)


class Options(NamedTuple):
    """What the settings say about the output."""

    templates: str = "alerts/templates"  # the templates' folder, which their names leave out
    alert_names: AlertNames = "qualified"
    prometheus_version: tuple[int, int] = (2, 42)


class Facts(NamedTuple):
    """What the rest of the repo must know of one group to judge it as a whole."""

    templates: tuple[str, ...] = ()  # the files of the templates that its output depends on
    declared: tuple[str, ...] = ()  # the parameters that those templates declare
    covered: tuple[str, ...] = ()  # the rules that it emits


class Unproven(NamedTuple):
    """A query that only newer servers' parsers know: promtool must judge it before and after scoping."""

    original: str
    scoped: str
    template: str
