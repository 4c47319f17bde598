"""PromQL's reserved words and functions, from Prometheus 2.42 to 3.x."""

from __future__ import annotations

AGGREGATORS = frozenset(
    [
        "sum",
        "avg",
        "count",
        "min",
        "max",
        "group",
        "stddev",
        "stdvar",
        "topk",
        "bottomk",
        "count_values",
        "quantile",
        "limitk",
        "limit_ratio",
    ]
)
SET_OPERATORS = frozenset({"and", "or", "unless"})
WORD_OPERATORS = SET_OPERATORS | {"atan2"}
CLAUSES = frozenset({"by", "without"})
MATCHING = frozenset({"on", "ignoring"})
GROUPING = frozenset({"group_left", "group_right"})
FILLING = frozenset({"fill", "fill_left", "fill_right"})
RANGE_MODIFIERS = frozenset({"anchored", "smoothed"})
SPECIAL_NUMBERS = frozenset({"inf", "nan"})

# Prometheus' grammar takes most keywords as metric names; it never takes these.
NEVER_METRICS = MATCHING | GROUPING | RANGE_MODIFIERS | {"bool", "atan2"}

# What a value may not be: with one of these words it would steer the query instead of filling it.
STEERING = (
    WORD_OPERATORS
    | CLAUSES
    | MATCHING
    | GROUPING
    | FILLING
    | RANGE_MODIFIERS
    | SPECIAL_NUMBERS
    | {"offset", "bool", "start", "end"}
    | {"true", "false"}  # what a boolean parameter renders to
)

# What Prometheus 2 calls a function that Prometheus 3 renamed; the library parser knows the new name.
RENAMED = {"holt_winters": "double_exponential_smoothing"}

# Names for suggestions only; which of them a server knows is for promtool to say.
FUNCTIONS = frozenset(
    [
        "abs",
        "absent",
        "absent_over_time",
        "acos",
        "acosh",
        "asin",
        "asinh",
        "atan",
        "atanh",
        "avg_over_time",
        "ceil",
        "changes",
        "clamp",
        "clamp_max",
        "clamp_min",
        "cos",
        "cosh",
        "count_over_time",
        "day_of_month",
        "day_of_week",
        "day_of_year",
        "days_in_month",
        "deg",
        "delta",
        "deriv",
        "double_exponential_smoothing",
        "exp",
        "first_over_time",
        "floor",
        "histogram_avg",
        "histogram_count",
        "histogram_fraction",
        "histogram_quantile",
        "histogram_stddev",
        "histogram_stdvar",
        "histogram_sum",
        "holt_winters",
        "hour",
        "idelta",
        "increase",
        "info",
        "irate",
        "label_join",
        "label_replace",
        "last_over_time",
        "ln",
        "log10",
        "log2",
        "mad_over_time",
        "max_over_time",
        "min_over_time",
        "minute",
        "month",
        "pi",
        "predict_linear",
        "present_over_time",
        "quantile_over_time",
        "rad",
        "rate",
        "resets",
        "round",
        "scalar",
        "sgn",
        "sin",
        "sinh",
        "sort",
        "sort_by_label",
        "sort_by_label_desc",
        "sort_desc",
        "sqrt",
        "stddev_over_time",
        "stdvar_over_time",
        "sum_over_time",
        "tan",
        "tanh",
        "time",
        "timestamp",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
        "vector",
        "year",
    ]
)
