"""The time that an alert fired, before and after, as a picture. No text of others goes into it unescaped."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from rulecompiler.backtest import timeline
from rulecompiler.backtest.grid import Window
from rulecompiler.backtest.model import Backtest, Outcome, Result, Unknown
from rulecompiler.backtest.words import moment, numbers, title
from rulecompiler.terminal import visible

COLUMNS = 240
HEIGHT = 20
_DAY = 86_400_000
_MOST_DAYS = 40

_STYLE = """\
text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:#1d2126}
.quiet{fill:#565d66}.well{fill:#f2f3f4}.old{fill:#6a737d}.new{fill:#c5362b}.days{stroke:#dfe2e6}.unknown{fill:#e9c46a}
@media(prefers-color-scheme:dark){text{fill:#e3e6e9}.quiet{fill:#a2aab3}.well{fill:#252a2f}.old{fill:#9aa4ae}
.new{fill:#ff7b70}.days{stroke:#333940}.unknown{fill:#8a6d1f}}"""


def bars(levels: Sequence[float], top: float, height: int = HEIGHT) -> str:
    """The levels as the data of a path: a bar a column, as wide as 1; a firing is never too small to see."""
    pieces = []
    for column, level in enumerate(levels):
        if level:
            tall = max(height / 5, height * level / top)
            pieces.append(f"M{column} {height}v-{tall:.3g}h1v{tall:.3g}z")
    return "".join(pieces)


def days(window: Window, height: int = HEIGHT) -> str:
    """The midnights (UTC) as the data of a path; none where there were too many to tell apart."""
    first = -(-window.start // _DAY) * _DAY
    found = range(first, window.end, _DAY)
    if not 0 < len(found) <= _MOST_DAYS:
        return ""
    return "".join(f"M{(at - window.start) * COLUMNS / window.length:.5g} 0v{height}" for at in found)


def rows(result: Result, window: Window) -> tuple[str, str]:
    """The bars of the old and of the new side, to one scale."""
    levels = [timeline.columns(outcome, window, COLUMNS) for outcome in (result.old, result.new)]
    top = timeline.top(levels)
    return bars(levels[0], top), bars(levels[1], top)


def picture(result: Result, found: Backtest) -> str:
    """A whole SVG file for one alert, for light and dark pages."""
    window = found.wanted
    name = escape(visible(title(result)))
    old, new = (escape(visible(numbers(outcome))) for outcome in (result.old, result.new))
    drawn = rows(result, window)
    sides = [_side(n, ["old", "new"][n], (result.old, result.new)[n], drawn[n], window) for n in (0, 1)]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 118" role="img">'
        f"<title>{name}: before, {old}; after, {new}</title><style>{_STYLE}</style>"
        f'<text x="0" y="14" font-weight="600">{name}</text>'
        f"{''.join(sides)}"
        f'<text class="quiet" x="44" y="112">{moment(window.start)} UTC</text>'
        f'<text class="quiet" x="720" y="112" text-anchor="end">{moment(window.end)} UTC</text></svg>\n'
    )


def _side(number: int, kind: str, outcome: Outcome, path: str, window: Window) -> str:
    top = 26 + number * 38
    well = "unknown" if isinstance(outcome, Unknown) else "well"
    said = escape(visible(numbers(outcome)))
    return (
        f'<text class="quiet" x="0" y="{top + 14}">{kind}</text>'
        f'<g transform="translate(44 {top}) scale({676 / COLUMNS:.5g} 1)">'
        f'<rect class="{well}" width="{COLUMNS}" height="{HEIGHT}"/>'
        f'<path class="days" vector-effect="non-scaling-stroke" d="{days(window)}"/>'
        f'<path class="{kind}" d="{path}"/></g>'
        f'<text class="quiet" x="44" y="{top + 33}">{said}</text>'
    )


def label(time: int) -> str:
    """A day as an axis has it: `Sat 14 Nov`."""
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%a %d %b").replace(" 0", " ")
