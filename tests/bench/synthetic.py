"""A repo of realistic size for measurements: 60 templates, three levels of groups, 100 rules a group."""

from __future__ import annotations

from pathlib import Path

RULES = 100
TEMPLATES = 60
_OWN_ENTRIES = 30  # of a leaf group's rules, those that it tunes itself

_SHAPES = (
    """\
100 - avg by (instance) (rate({m}_seconds_total{{mode="idle"}}[${{window}}])) * 100
  > ${{threshold}}
""",
    """\
(
  {m}_size_bytes{{fstype!~"tmpfs|overlay|squashfs"}} - {m}_avail_bytes{{fstype!~"tmpfs|overlay|squashfs"}}
)
/ {m}_size_bytes{{fstype!~"tmpfs|overlay|squashfs"}} * 100
  > ${{threshold}}
""",
    """\
sum by (job, instance) (rate({m}_requests_total{{code=~"5.."}}[${{window}}]))
  / sum by (job, instance) (rate({m}_requests_total[${{window}}])) * 100
  > ${{threshold}}
and
sum by (job, instance) (rate({m}_requests_total[${{window}}])) > 1
""",
    """\
histogram_quantile(
  0.99,
  sum by (le, service) (rate({m}_duration_seconds_bucket{{handler!="/metrics"}}[${{window}}]))
) * 1000 > ${{threshold}}
""",
    """\
max by (namespace, pod) (
  max_over_time({m}_waiting_reason{{reason="CrashLoopBackOff"}}[${{window}}])
) > 0
unless on (namespace, pod) {m}_deleted == ${{threshold}}
""",
    """\
# A gap in the data is as bad as a low value.
absent_over_time({m}_up{{job="{m}"}}[${{window}}])
or
predict_linear({m}_free[${{window}}], 4 * 3600) < ${{threshold}}
""",
)


def build(root: Path, leaves: int) -> None:
    """Writes a repo with `leaves` groups that emit rules, under regions, under one baseline."""
    templates = root / "alerts" / "templates"
    groups = root / "alerts" / "groups"
    groups.mkdir(parents=True)
    (root / "rulecompiler.yaml").write_text("prometheus: {validate_rules: false}\n")
    for number in range(TEMPLATES):
        folder = templates / f"area{number % 6}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"Synthetic{number:02}.yaml").write_text(_template(number))
    entries = [_entry(number) for number in range(RULES)]
    (groups / "baseline.yaml").write_text("group: baseline\nabstract: true\nrules:\n" + "".join(entries))
    regions = max(1, leaves // 25)
    for number in range(regions):
        (groups / f"region-{number:03}.yaml").write_text(
            f"group: region-{number:03}\nparent: baseline\nabstract: true\n"
            f"labels: {{region: r{number}}}\nparams: {{window: {5 + number % 10}m}}\n"
        )
    for number in range(leaves):
        (groups / f"leaf-{number:04}.yaml").write_text(leaf(number, number % regions))


def leaf(number: int, region: int, first_threshold: int = 50) -> str:
    """A leaf group's file; `first_threshold` is what an edit changes."""
    lines = [
        f"group: leaf-{number:04}",
        f"name: service {number}",
        f"parent: region-{region:03}",
        f"labels: {{team: team-{number % 17}}}",
        "rules:",
    ]
    for index in range(_OWN_ENTRIES):
        rule = (number * 7 + index * 3) % RULES
        threshold = first_threshold if index == 0 else 20 + (number + index) % 70
        lines.append(f"  {_name(rule)}:")
        lines.append(f"    params: {{threshold: {threshold}}}")
        if index % 3 == 0:
            lines.append(f"    for: {5 + number % 20}m")
        if index % 5 == 0:
            lines.append("    labels: {severity: critical}")
    return "\n".join(lines) + "\n"


def _name(rule: int) -> str:
    return f"Synthetic{rule:02}" if rule < TEMPLATES else f"Strict{rule:02}"


def _entry(rule: int) -> str:
    if rule < TEMPLATES:
        return f"  {_name(rule)}: {{}}\n"
    return f"  {_name(rule)}: {{template: Synthetic{rule - TEMPLATES:02}, labels: {{severity: critical}}}}\n"


def _template(number: int) -> str:
    expression = _SHAPES[number % len(_SHAPES)].format(m=f"synthetic{number:02}")
    return f"""\
alert: Synthetic{number:02}
description: Something that number {number} watches is out of bounds.
category: area{number % 6}
params:
  threshold: {{type: number, minimum: 0, maximum: 100, default: {10 + number}}}
  window: {{type: string, format: duration, default: 5m}}
expr: |
{"".join("  " + line for line in expression.splitlines(keepends=True))}for: 10m
labels: {{severity: warning}}
annotations:
  summary: Number {number} is out of bounds on {{{{ $labels.instance }}}}
  description: "At {{{{ $value | humanize }}}}, above ${{threshold}} for ${{window}} in ${{group.name}}."
  runbook_url: https://runbooks.example.com/Synthetic{number:02}
"""
