"""What a change is made of: values that differ, rules as they are on a side, reasons, and who covers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from rulecompiler.diagnostics import Span
from rulecompiler.model import RuleKind

Field = Literal[
    "param", "expr", "for", "keep_firing_for", "label", "annotation", "interval", "limit", "query_offset",
    "scope", "exclusions", "file", "group", "name", "kind",
]  # fmt: skip
"""What differs. `param` is a template's parameter, of which texts and queries are made (`threshold`), and
`scope` the targets that a rule is for, `exclusions` those that other rules cover in its place. `file`,
`group` (Prometheus' rule group) and `name` (the alert's or record's) are parts of a rule's identity."""


class Part(NamedTuple):
    """A piece of an inline diff: kept (`=`), removed (`-`) or added (`+`)."""

    op: Literal["=", "-", "+"]
    text: str


class FieldChange(NamedTuple):
    """One value that differs. `old` or `new` is None where the value is not there at all.

    `key` names the parameter, label or annotation; it is empty for the other fields. `place` is where the
    new value is written (where it is gone: where the old one was, in the base's text of the file), and
    `old_place` where the old one was; None where nobody wrote it or it is not known.
    `parts` is the inline diff of a query or of a longer text, in the example of a fold; empty elsewhere, and
    where `old → new` says it better.
    """

    field: Field
    key: str
    old: str | None
    new: str | None
    place: Span | None = None
    old_place: Span | None = None
    parts: tuple[Part, ...] = ()

    @property
    def label(self) -> str:
        """How a person calls it: `threshold`, `for`, `severity`, `annotation summary`, `query`."""
        if self.field == "expr":
            return "query"
        if self.field == "annotation":
            return f"annotation {self.key}"
        if self.field == "name":
            return "rule name"
        if self.field == "group":
            return "group name"
        if self.field == "scope":
            return "targets"
        if self.field == "exclusions":
            return "only where"
        return self.key or self.field


class RuleAt(NamedTuple):
    """A rule as it is on one side."""

    group_id: str  # of the group file that it is compiled for; of a foreign rule file: its name
    file: str  # the rule file's name, `group-production.yml`
    group: str  # Prometheus' rule group, `production_cpu`
    kind: RuleKind
    name: str  # as Prometheus has it, `HighCPUUsage_Production`
    key: str  # as the group file calls it, `HighCPUUsage`; where that is not known, `name`
    template: str  # path of its template; empty where it is not known
    expr: str
    for_: str | None
    keep_firing_for: str | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    place: Span | None = None  # what asks for the rule: its entry in a group file
    interval: str | None = None  # of its rule group; None: the server's own

    @property
    def severity(self) -> str:
        """The `severity` label; empty for what has none."""
        return self.labels.get("severity", "")


class Reset(NamedTuple):
    """One reason why the state of an alert's pending and firing alerts starts over."""

    what: Literal["file", "group", "name", "label"]
    key: str  # of a label; empty for the others
    old: str | None
    new: str | None

    @property
    def sentence(self) -> str:
        """Such as `the label severity changed from warning to critical`."""
        names = {"file": "file", "group": "rule group's name", "name": "rule's name"}
        subject = f"label {self.key}" if self.what == "label" else names[self.what]
        if self.old is None:
            return f"the {subject} is new: {self.new}"
        if self.new is None:
            return f"the {subject} is gone: {self.old}"
        return f"the {subject} changed from {self.old} to {self.new}"


class Cover(NamedTuple):
    """A rule of another group (or a slice of the same one), which covers targets in a rule's place.

    `slice` says which, as matchers without braces (`group_id="grp-123"`); empty for all that the rule had.
    """

    group_id: str
    key: str
    name: str
    slice: str = ""
