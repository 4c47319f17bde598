"""Templates in short: `${n}`, `${s}` and `${p}` stand for a number, a string and an expression."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from rulecompiler.model import Segment, SegmentKind

_KINDS = {"n": SegmentKind.NUMBER, "s": SegmentKind.STRING, "p": SegmentKind.PROMQL}

Rendered = Callable[..., tuple[Segment, ...]]


def render(template: str, *values: str) -> tuple[Segment, ...]:
    """The segments of a template with these values in its places, in order."""
    segments: list[Segment] = []
    done, given = 0, iter(values)
    for place in re.finditer(r"\$\{([nsp])\}", template):
        if done < place.start():
            segments.append(Segment(template[done : place.start()], done, place.start()))
        segments.append(Segment(next(given), place.start(), place.end(), _KINDS[place[1]]))
        done = place.end()
    if done < len(template):
        segments.append(Segment(template[done:], done, len(template)))
    return tuple(segments)


@pytest.fixture(scope="session", name="render")
def render_fixture() -> Rendered:
    """See `render`."""
    return render
