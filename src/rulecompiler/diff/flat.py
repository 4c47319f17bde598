"""Plans from compiled rules alone, where one side is rule files or a server: no parameters and no causes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rulecompiler.diagnostics import Diagnostic, Place
from rulecompiler.diff.comparing import rule_at
from rulecompiler.diff.fields import Sight, field_changes, resets, same
from rulecompiler.diff.folding import count, fold
from rulecompiler.diff.items import Item
from rulecompiler.diff.matching import match_rules
from rulecompiler.diff.model import Action, Incomparable, Plan, RuleChange, SideKey, SideName
from rulecompiler.generated_file import file_name
from rulecompiler.model import Rule, RuleGroup, RuleSet

Items = Mapping[str, tuple[Item, ...]]


def items_of(rules: RuleSet) -> tuple[Item, ...]:
    """The rules of a compiled file."""
    file = file_name(rules.group_id)
    return tuple(item_of(rules.group_id, file, group, rule) for group in rules.groups for rule in group.rules)


def item_of(group_id: str, file: str, group: RuleGroup, rule: Rule) -> Item:
    """One rule, of which no more is known than a rule file says, but for the places of overrides."""
    origins: dict[tuple[str, str], Place] = {}
    for keys, place in rule.overrides.items():
        if keys[0] in ("labels", "annotations"):
            origins[keys[0].removesuffix("s"), keys[1]] = place
        else:
            origins[keys[0], ""] = place
    bare = RuleGroup(group.name, group.interval, group.limit, group.query_offset, ())
    # Only one side knows templates: rules are matched without.
    return Item(group_id, file, bare, rule, rule.name, "", {}, {}, origins)


def flat_plan(
    base: SideName,
    head: SideName,
    old: Items,
    new: Items,
    sight: Sight,
    *,
    unchanged: int = 0,
    incomparable: Iterable[Incomparable] = (),
    diagnostics: Mapping[SideKey, tuple[Diagnostic, ...]] | None = None,
) -> Plan:
    """What changes from the old rules to the new ones, by group id; `unchanged` are those not even given."""
    changes: list[RuleChange] = []
    for group_id in sorted({*old, *new}):
        matched = match_rules(old.get(group_id, ()), new.get(group_id, ()))
        unchanged += sum(same(*pair) for pair in matched.pairs)
        found = [_change(*pair, sight) for pair in matched.pairs if not same(*pair)]
        found += [_gone(item, is_whole=group_id not in new) for item in matched.old]
        found += [_added(item, sight, is_whole=group_id not in old) for item in matched.new]
        changes += sorted(
            found, key=lambda change: (change.rule.name, change.rule.group, change.action.value)
        )
    folds = fold(changes)
    shown = {(id(c.old), id(c.new)): c for each in folds for c in each.changes}
    return Plan(
        base,
        head,
        tuple(shown.get((id(change.old), id(change.new)), change) for change in changes),
        folds,
        (),
        count(changes, unchanged),
        tuple(incomparable),
        diagnostics or {},
    )


def _change(old: Item, new: Item, sight: Sight) -> RuleChange:
    reasons = resets(old, new)
    return RuleChange(
        Action.REPLACE if reasons or _is_other_series(old, new) else Action.CHANGE,
        rule_at(old, None),
        rule_at(new, sight.new),
        field_changes(old, new, sight),
        reasons,
    )


def _is_other_series(old: Item, new: Item) -> bool:
    return new.rule.kind == "record" and (old.rule.name, old.rule.labels) != (new.rule.name, new.rule.labels)


def _gone(item: Item, *, is_whole: bool) -> RuleChange:
    return RuleChange(
        Action.REMOVE, rule_at(item, None), None, why="group removed" if is_whole else "entry removed"
    )


def _added(item: Item, sight: Sight, *, is_whole: bool) -> RuleChange:
    return RuleChange(
        Action.ADD, None, rule_at(item, sight.new), why="group added" if is_whole else "entry added"
    )
