"""The sandbox that templates run in: no globals, metered filters, arithmetic on numbers only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sized
from inspect import Signature, signature
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.filters import do_round
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rulecompiler.document.characters import odd_in
from rulecompiler.interpolation import value_text
from rulecompiler.model import SegmentKind
from rulecompiler.scopes import quote_regex

BUDGET = 1_000_000
"""Characters that the filters of one rendering may read and write."""
LARGEST = 1.7976931348623157e308  # beyond it a number is no float64, which is all that PromQL knows
MAX_PLACES = 308
"""Decimal places, before or after the point, that `round` may be asked for."""
CONCAT, LOOP, READ = "~", "%", "="  # filters' names that no author can write
KINDS = {"n": SegmentKind.NUMBER, "s": SegmentKind.STRING, "p": SegmentKind.PROMQL}
"""The letter that stands before a value in the output says what kind of value it is."""
_LETTERS = {kind: letter for letter, kind in KINDS.items()}
TESTS = frozenset(
    ("defined", "undefined", "none", "number", "string", "boolean", "even", "odd", "in", "eq", "ne")
)


class Spent(Exception):
    """A rendering asked for more than it may have."""


class Purse:
    """What is left of one rendering's budget."""

    def __init__(self) -> None:
        self.left = 0

    def pay(self, characters: int) -> None:
        """Takes this many characters off; raises `Spent` where that is too many."""
        self.left -= characters
        if self.left < 0:
            raise Spent


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, list | tuple):
        return sum(_size(item) for item in value) + 1
    return 8


class Environment(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox with our delimiters, no globals, and only the filters of the list."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "%"))

    def __init__(self, purse: Purse) -> None:
        super().__init__(
            variable_start_string="${",
            variable_end_string="}",
            undefined=StrictUndefined,
            keep_trailing_newline=True,
            finalize=finalize,
            autoescape=False,
            optimized=False,  # nothing is worked out before there is a budget for it
        )
        self.globals.clear()
        library = self.filters
        self.filters = {name: _metered(purse, library[name]) for name in _FILTERS}
        self.filters["replace"] = _metered_replace(purse)
        self.filters["regex_quote"] = _metered(purse, _regex_quote)
        self.filters["round"] = _metered(purse, _round)
        self.filters["join"] = _metered_join(purse)
        self.filters[CONCAT] = _metered_join(purse)
        self.filters[READ] = _metered(purse, lambda value: value)
        self.filters[LOOP] = _metered_loop(purse)
        self.tests = {name: self.tests[name] for name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`group.labels.x` looks a key up and never an attribute of a Python object."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A key of a mapping, an item of a list, or what a loop knows of itself."""
        if isinstance(obj, Undefined):
            str(obj)
        if isinstance(obj, LoopContext):
            return getattr(obj, argument)
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on numbers, as everything else can grow without end."""
        purse.pay(_size(left))
        for side in (left, right):
            if isinstance(side, Undefined):
                str(side)
            if isinstance(side, bool) or not isinstance(side, int | float):
                raise TemplateError(f"`{operator}` takes numbers, not {side!r:.40}; join texts with `~`")
        try:
            result = super().call_binop(context, operator, left, right)
            float(result)
        except (ZeroDivisionError, OverflowError) as error:
            raise TemplateError(f"{left} {operator} {right}: {error}") from error
        return result


_FILTERS = (
    "abs",
    "default",
    "first",
    "float",
    "int",
    "last",
    "length",
    "lower",
    "max",
    "min",
    "sort",
    "title",
    "trim",
    "unique",
    "upper",
)

FILTER_NAMES = sorted((*_FILTERS, "join", "regex_quote", "replace", "round"))


def _metered(purse: Purse, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, paying for what it reads; generators become lists."""
    passes = getattr(function, "jinja_pass_arg", None)
    shape = signature(function)

    def metered(*args: Any, **options: Any) -> Any:
        purse.pay(sum(_size(a) for a in args) + sum(_size(v) for v in options.values()))
        if "attribute" in options:
            raise TemplateError("`attribute=` is not available")
        _check_arguments(shape, args, options)
        result = function(*args, **options)
        if isinstance(result, Iterator):
            result = list(result)
        purse.pay(_size(result))
        return result

    if passes is not None:
        metered.jinja_pass_arg = passes  # type: ignore[attr-defined]  # Jinja2's own marker
    return metered


def _check_arguments(shape: Signature, args: tuple[Any, ...], options: Mapping[str, Any]) -> None:
    try:
        shape.bind(*args, **options)
    except TypeError as error:
        raise BadArguments from error


def _metered_replace(purse: Purse) -> Callable[..., str]:
    def make(text: object, old: object, new: object) -> str:
        plain, before, after = _text(text), _text(old), _text(new)
        # Paid before it is made: a short text can grow by the square of its length.
        purse.pay(len(plain) + plain.count(before) * len(after))
        return plain.replace(before, after)

    shape = signature(make)

    def replace(*args: Any, **options: Any) -> str:
        _check_arguments(shape, args, options)
        return make(*args, **options)

    return replace


def _metered_loop(purse: Purse) -> Callable[[Any, int], Any]:
    def loop(items: Any, cost: int) -> Any:
        if not isinstance(items, Sized):
            raise TemplateError(f"`for` takes a list, not {items!r:.40}")
        purse.pay(len(items) * cost)
        return items

    return loop


def _text(value: object) -> str:
    """A value as `${…}` would show it; raises `NoText` where it has no text."""
    if isinstance(value, Undefined):
        str(value)  # StrictUndefined raises
    rendered = value_text(value)
    if rendered is None:
        raise NoText(None if isinstance(value, Undefined) else value)
    return rendered[0]


def _metered_join(purse: Purse) -> Callable[..., str]:
    def join(items: Any, d: object = "") -> str:
        """The items' texts with `d` between them."""
        between, texts = _text(d), [_text(item) for item in items]
        # Before it is made: a long text between the items of a long list fills the memory.
        if sum(map(len, texts)) + len(texts) * len(between) > purse.left:
            raise Spent
        return between.join(texts)

    return _metered(purse, join)


def _round(value: Any, precision: Any = 0, method: Any = "common") -> float:
    """Jinja2's filter; it takes ten to the power of the places, which must not be a number without end."""
    if not isinstance(precision, int) or abs(precision) > MAX_PLACES:
        raise TemplateError(f"`round` takes a whole number of places, {MAX_PLACES} at most")
    return do_round(value, precision, method)


def _regex_quote(value: object) -> object:
    """RE2's special characters escaped; a list is quoted item by item."""
    if isinstance(value, list | tuple):
        return [quote_regex(_text(item)) for item in value]
    return quote_regex(_text(value))


def finalize(value: object) -> str:
    """A value with its kind in front, so that segments can tell it from the author's text."""
    if isinstance(value, Undefined):
        str(value)  # StrictUndefined raises
    if isinstance(value, int | float) and not abs(value) <= LARGEST:  # NaN too: it compares to nothing
        raise TemplateError("the result is not a finite number")
    rendered = value_text(value)
    if rendered is None:
        raise NoText(None if isinstance(value, Undefined) else value)
    text, kind = rendered
    if odd_in(text).search(text):
        raise TemplateError("a value holds a control character")
    return _LETTERS[kind] + text


class BadArguments(Exception):
    """A filter was called with too many arguments, too few, or unknown ones."""


class NoText(Exception):
    """A `${…}` came to a list, a mapping or nothing."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


purse = Purse()
environment = Environment(purse)
