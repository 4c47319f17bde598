"""All lint checks: of a rule, of a group, and of the repo."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rulecompiler.checks import (
    alerts_series,
    always_fires,
    average_of_ratios,
    bare_values,
    copied_labels,
    counters,
    empty_groups,
    file_size,
    idle_slices,
    impatient,
    intervals,
    lost_labels,
    matching,
    missing_records,
    missing_texts,
    owners,
    racing_sums,
    rate_of_aggregate,
    rate_of_gauge,
    rate_window,
    record_names,
    regexes,
    renamed_rules,
    repeated_defaults,
    said_already,
    same_rules,
    same_templates,
    self_division,
    severities,
    short_for,
    siblings,
    twins,
    untested,
    unused_records,
    unused_templates,
    unwritten_records,
    varying_labels,
)
from rulecompiler.checks.group_view import GroupView, RepoView
from rulecompiler.checks.subject import Finding, Subject
from rulecompiler.diagnostics import Diagnostic

RULE_CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = (
    always_fires.check,
    counters.check,
    rate_of_gauge.check,
    rate_of_aggregate.check,
    rate_window.check,
    lost_labels.check,
    matching.check,
    copied_labels.check,
    self_division.check,
    average_of_ratios.check,
    regexes.check,
    impatient.check,
    varying_labels.check,
    missing_texts.check,
    severities.check,
    record_names.check,
    alerts_series.check,
    bare_values.check,
    racing_sums.check,
)
GROUP_CHECKS: Final[tuple[Callable[[GroupView], Iterator[Diagnostic]], ...]] = (
    short_for.check,
    siblings.check,
    said_already.check,
    twins.check,
    missing_records.check,
    same_rules.check,
    idle_slices.check,
    renamed_rules.check,
    intervals.check,
    repeated_defaults.check,
)
REPO_CHECKS: Final[tuple[Callable[[RepoView], Iterator[Diagnostic]], ...]] = (
    unused_templates.check,
    unused_records.check,
    untested.check,
    file_size.check,
    same_templates.check,
    owners.check,
    empty_groups.check,
    unwritten_records.check,
)
CODES: Final = frozenset(f"RC{number}" for number in range(405, 442))
"""What settings and comments may switch off."""
