"""The flow of labels through a query, from its selectors to its result.

The rules are those of Prometheus' engine: `on` keeps its labels only, also behind a comparison;
`group_left` keeps the side that has many; a function drops the metric's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rulecompiler.labelflow.flow import ANYTHING, NAME, NOTHING, Flow
from rulecompiler.labelflow.meeting import Clash, clash
from rulecompiler.model import Matcher
from rulecompiler.promql.regexes import accepts, is_regex
from rulecompiler.promql.tree import (
    COMPARISONS,
    SETS,
    Aggregate,
    Binary,
    Call,
    Negation,
    Node,
    Selector,
    Subquery,
    children,
    is_scalar,
)

_SAME_SERIES = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_SAME_NAME = frozenset(
    {"sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "last_over_time", "first_over_time"}
)
_WITHOUT_LABELS = frozenset({"vector", "time", "scalar", "pi"})
_CALENDAR = frozenset(
    {"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "year"}
)
_ONE_OF_LE = frozenset({"histogram_quantile", "histogram_fraction"})
_STATES = frozenset({"ALERTS", "ALERTS_FOR_STATE"})  # there while something is wrong


class Analysis:
    """What is known at each node of one query.

    `scope` is put into each selector but those of `unscoped` metrics; `records` tells what is known
    of the series that recording rules write.
    """

    def __init__(
        self,
        scope: tuple[Matcher, ...] = (),
        unscoped: frozenset[str] = frozenset(),
        records: Mapping[str, Flow] = MappingProxyType({}),
    ) -> None:
        self._scope = scope
        self._unscoped = unscoped
        self._records = records
        self._known: dict[int, tuple[Node, Flow]] = {}
        self._clashes: dict[int, Clash | None] = {}

    def of(self, node: Node) -> Flow:
        """The flow of a node's result."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = (node, self._flow(node))
        return known[1]

    def clash(self, node: Binary) -> Clash | None:
        """What keeps the two sides from meeting, if anything is known to."""
        if id(node) not in self._clashes:
            left, right = self.of(node.left), self.of(node.right)
            between = node.op != "or" and not is_scalar(node.left) and not is_scalar(node.right)
            self._clashes[id(node)] = clash(node, left, right) if between else None
        return self._clashes[id(node)]

    def loser(self, node: Node, label: str) -> Node:
        """The innermost part of a query that loses a label which the whole has not."""
        while True:
            below = [c for c in children(node) if not is_scalar(c) and not self._string(c)]
            lost = [c for c in below if not self.of(c).may(label)]
            if not lost:
                return node
            node = lost[0]

    @staticmethod
    def _string(node: Node) -> bool:
        return not isinstance(node, Selector | Subquery | Call | Aggregate | Binary | Negation)

    def _flow(self, node: Node) -> Flow:
        match node:
            case Selector():
                return self._selector(node)
            case Subquery():
                return self.of(node.expr)
            case Negation():
                return self.of(node.expr).dropping(NAME)
            case Call():
                return self._call(node)
            case Aggregate():
                return self._aggregate(node)
            case Binary():
                return self._binary(node)
        return NOTHING

    def _matchers(self, node: Selector) -> tuple[Matcher, ...]:
        return node.matchers if node.metric in self._unscoped else (*node.matchers, *self._scope)

    def _selector(self, node: Selector) -> Flow:
        known = self._records.get(node.metric or "")
        sure, never = set(known.sure) if known else set(), set(known.never) if known else set()
        fixed = dict(known.fixed) if known else {}
        only = known.only if known else None
        if node.metric is not None:
            sure.add(NAME)
            fixed[NAME] = node.metric
        for matcher in self._matchers(node):
            if matcher.op in ("=~", "!~") and not is_regex(matcher.value):
                continue
            if not accepts(matcher.op, matcher.value, ""):
                sure.add(matcher.label)
            elif matcher.op == "=":
                never.add(matcher.label)
            if matcher.op == "=" and matcher.value:
                fixed[matcher.label] = matcher.value
        return Flow(
            frozenset(sure),
            None if only is None else (only | sure) - never,
            frozenset(never - sure) if only is None else frozenset(),
            fixed,
            filters=node.metric in _STATES or (known is not None and known.filters),
            empty=known is not None and known.empty,
        )

    def _call(self, node: Call) -> Flow:
        if node.name in ("absent", "absent_over_time"):
            return self._absent(node.args[0])
        if node.name in _WITHOUT_LABELS or (node.name in _CALENDAR and not node.args):
            return NOTHING
        if node.name == "info":
            return ANYTHING._replace(filters=self.of(node.args[0]).filters)
        of = next((a for a in node.args if not is_scalar(a) and not self._string(a)), None)
        if of is None:
            return NOTHING
        flow = self.of(of)
        if node.name == "label_replace" and len(node.labels) == 4:
            target, replacement, _, _ = node.labels
            stays = target in flow.sure and bool(replacement) and "$" not in replacement
            return flow.setting(target, sure=stays)
        if node.name == "label_join" and node.labels:
            return flow.setting(node.labels[0])
        if node.name in _ONE_OF_LE:
            return flow.dropping("le", NAME)
        return flow if node.name in _SAME_NAME else flow.dropping(NAME)

    def _absent(self, argument: Node) -> Flow:
        """It makes labels of the equalities of a plain selector, each used once."""
        if not isinstance(argument, Selector):
            return NOTHING._replace(filters=True)
        matchers = self._matchers(argument)
        labels = [m.label for m in matchers]
        fixed = {
            m.label: m.value
            for m in matchers
            if m.op == "=" and m.value and labels.count(m.label) == 1 and m.label != NAME
        }
        return Flow(frozenset(fixed), frozenset(fixed), frozenset(), fixed, filters=True)

    def _aggregate(self, node: Aggregate) -> Flow:
        below = self.of(node.expr)
        if node.op in _SAME_SERIES:
            return below
        flow = below.dropping(NAME, *(node.without or ())) if node.by is None else below.keeping(node.by)
        return flow.setting(node.label, sure=True) if node.op == "count_values" else flow

    def _binary(self, node: Binary) -> Flow:
        comparison = node.op in COMPARISONS and not node.bool_
        if is_scalar(node.left) or is_scalar(node.right):
            if is_scalar(node.left) and is_scalar(node.right):
                return NOTHING
            flow = self.of(node.right if is_scalar(node.left) else node.left)
            return flow._replace(filters=True) if comparison else flow.dropping(NAME)
        left, right = self.of(node.left), self.of(node.right)
        if node.op == "or":
            return left.either(right)
        on = None if node.on is None else frozenset(node.on)
        ignored = frozenset(node.ignoring or ())
        clashing = self.clash(node)
        apart = clashing is not None and clashing.certain
        if node.op == "unless":
            return left._replace(filters=True)
        filters = left.filters or right.filters or comparison or node.op in SETS
        empty = left.empty or right.empty or apart
        if apart:  # what is known of no series at all would only confuse
            return left._replace(filters=filters, empty=True)
        if node.op == "and":
            return left.matched(right, on, ignored)._replace(filters=filters, empty=empty)
        many, one = (right, left) if node.cardinality == "one to many" else (left, right)
        if node.cardinality == "one to one":
            plain = left if comparison else left.dropping(NAME)
            both = plain.matched(right, on, ignored)
            flow = both.keeping(on) if on is not None else both.dropping(*ignored) if ignored else both
        else:
            flow = (many if comparison else many.dropping(NAME)).matched(one, on, ignored)
            for label in node.include:
                flow = flow.setting(label, sure=label in one.sure) if one.may(label) else flow.dropping(label)
        return flow._replace(filters=filters, empty=empty)
