"""Which rules cover which targets: read off the compiled rules, never worked out a second way."""

from rulecompiler.effective.answer import Answer, Effective
from rulecompiler.effective.census import Census, Part, Twice, parts_of, take_census
from rulecompiler.effective.emission import Emitted, covers, emission
from rulecompiler.effective.target_lists import read_target_list
from rulecompiler.effective.targets import Target, from_address, from_labels, parse_label

__all__ = [
    "Answer",
    "Census",
    "Effective",
    "Emitted",
    "Part",
    "Target",
    "Twice",
    "covers",
    "emission",
    "from_address",
    "from_labels",
    "parse_label",
    "parts_of",
    "read_target_list",
    "take_census",
]
