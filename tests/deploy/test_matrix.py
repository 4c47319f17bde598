"""Each fault of the protocol's matrix has a test of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FAULTS = frozenset(range(1, 57))
# Faults that cannot be made here, and why.
NOT_MADE: Mapping[int, str] = {}


def test_each_fault_of_the_matrix_has_a_test() -> None:
    texts = (path.read_text("utf-8") for path in Path(__file__).parent.glob("*.py"))
    tested = {int(number) for text in texts for number in re.findall(r"^def test_fault_(\d+)_", text, re.M)}
    assert sorted(tested) == sorted(FAULTS - NOT_MADE.keys())
