"""Pipelines, `$value | printf "%.2f"`, which most actions are and the others carry."""

from __future__ import annotations

from itertools import islice

from rulecompiler.gotemplate.tokens import Action, Fault, Token, short
from rulecompiler.words import nearest

OPENERS = frozenset(("if", "with", "range"))
KEYWORDS = OPENERS | {"block", "break", "continue", "define", "else", "end", "template"}

# Go's own, those of Prometheus 2.42, and the newer ones.
_NAMES = """
    and call html index slice js len not or print printf println urlquery eq ge gt le lt ne

    args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage
    humanizeTimestamp label match parseDuration pathPrefix query reReplaceAll safeHtml sortByLabel
    stripDomain stripPort strvalue tableLink title toLower toTime toUpper value

    now toDuration urlQueryEscape
"""
FUNCTIONS = frozenset(_NAMES.split())

_LITERALS = frozenset(("string", "char", "number", "dot"))
_LITERAL_WORDS = frozenset(("true", "false", "nil"))
_MOST_SUGGESTIONS = 100  # variables to look for a near name among
_ARITHMETIC = "a template cannot calculate: do it in `expr`"
_HELP = {
    "{": "close the action with `}}` before another one opens",
    "}": "close the action with `}}`",
    "&": "write `and $a $b`",
    "!": "write `not $a`, or `ne $a $b`",
    "<": "write `lt $a $b`, or `le $a $b`",
    ">": "write `gt $a $b`, or `ge $a $b`",
    "=": "write `eq $a $b` to compare",
    ":=": "declare at the start of an action: `{{ $name := … }}`",
    "/": "a comment touches its braces, `{{/* … */}}`, and a template cannot calculate",
    "*": _ARITHMETIC,
    "%": _ARITHMETIC,
    "[": 'write `index $labels "name"`',
    ",": "separate arguments by spaces",
    "\\": "write the quotes of an action without a backslash",
    "|": "write a value before it, such as `$value | humanize`",
}


# What a pipeline has read last: nothing or a `|`, white space behind an operand, or an operand.
_START, _GAP, _TIGHT, _TIGHT_LITERAL = range(4)


class Found(Exception):
    """Carries a fault out of an action; it never leaves this package."""

    def __init__(self, fault: Fault) -> None:
        """`fault` is what the text's author shall read."""
        self.fault = fault


def at(token: Token, message: str, help: str) -> Found:
    """A fault at the place of a token, ready to be raised."""
    return Found(Fault(message, help, token.start, token.end))


class Scope:
    """The variables that are declared, in order, with a count of each name for a quick answer."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """`names` are declared from the start, `$` among them."""
        self.ranges = 0  # how many `{{ range }}` are open
        self.names: list[str] = []
        self._counts: dict[str, int] = {}
        for name in names:
            self.declare(name)

    def declare(self, name: str) -> None:
        """Adds a variable, which may hide an earlier one."""
        self.names.append(name)
        self._counts[name] = self._counts.get(name, 0) + 1

    def forget(self, mark: int) -> None:
        """Drops all but the first `mark` declarations."""
        for name in self.names[mark:]:
            self._counts[name] -= 1
        del self.names[mark:]

    def __contains__(self, name: str) -> bool:
        """Whether a variable of this name is declared."""
        return self._counts.get(name, 0) > 0

    def suggestions(self) -> list[str]:
        """Names that a wrong one may have been meant to be."""
        names = (name for name, count in self._counts.items() if count and name != "$")
        return list(islice(names, _MOST_SUGGESTIONS))


class Reader:
    """Hands out the tokens of one action; the last one, `end` or `broken`, again and again."""

    def __init__(self, action: Action) -> None:
        """Starts before the first token."""
        self._tokens = action.tokens
        self._fault = action.fault
        self._at = 0

    def next_any(self) -> Token:
        """The next token, which may be white space; raises `Found` where none can be read."""
        token = self._tokens[self._at]
        if token.kind == "broken" and self._fault:
            raise Found(self._fault)
        if token.kind != "end":
            self._at += 1
        return token

    def next(self) -> Token:
        """The next token that is not white space."""
        while (token := self.next_any()).kind == "space":
            pass
        return token

    def peek(self, ahead: int = 0) -> Token:
        """The token that follows after `ahead` others, white space left aside."""
        at = self._at
        while True:
            token = self._tokens[min(at, len(self._tokens) - 1)]
            if token.kind != "space":
                if not ahead:
                    return token
                ahead -= 1
            at += 1

    def expect_end(self, keyword: str) -> None:
        """Raises `Found` unless the action ends here."""
        token = self.next()
        if token.kind != "end":
            raise at(token, f"{short(token.text)} cannot stand behind `{keyword}`", "remove it")

    def expect_name(self, keyword: str) -> None:
        """Takes the name of a template, or raises `Found`."""
        token = self.next()
        if token.kind != "string":
            raise at(token, f"`{keyword}` needs a name", f'write it in quotes: `{{{{ {keyword} "name" }}}}`')

    def unexpected(self, token: Token) -> Found:
        """The fault of a token that cannot stand where it does."""
        what = short(token.text)
        if token.kind == "word" and token.text in KEYWORDS:
            return at(token, f"{what} can only stand at the start of an action", "give it one of its own")
        if token.kind in ("other", "set", "comma", "pipe"):
            help = _HELP.get(token.text, "remove it, or put it inside quotes")
            return at(token, f"{what} cannot stand here", help)
        return at(token, f"{what} needs a space before it", "put a space between the two")


def read_pipeline(reader: Reader, scope: Scope, is_range: bool = False) -> None:
    """Commands between `|`, up to the end of the action; parentheses hold pipelines themselves."""
    commands = 0  # of the innermost pipeline
    outer: list[int] = []  # the same of those around it
    state = _declarations(reader, scope, is_range)
    while True:
        token = reader.next_any()
        kind = token.kind
        if kind == "space":
            state = _GAP if state in (_TIGHT, _TIGHT_LITERAL) else state
        elif kind == "end":
            if not commands:
                raise at(token, "the action has no value", "write one, or remove the braces")
            return
        elif kind == "close":
            if not commands:
                raise at(token, "`()` has no value", "write one, or remove the parentheses")
            commands = outer.pop()
            state = _TIGHT
        elif kind == "pipe":
            if state == _START:
                raise reader.unexpected(token)
            state = _START
        elif kind == "field" and state == _TIGHT:
            pass  # `$x.a.b`
        elif state in (_TIGHT, _TIGHT_LITERAL):
            if kind == "field":
                raise at(token, f"a literal has no field {short(token.text)}", "remove the field")
            raise reader.unexpected(token)
        else:
            literal = kind in _LITERALS or (kind == "word" and token.text in _LITERAL_WORDS)
            _operand(reader, scope, token, literal)
            if state == _START:
                commands += 1
                if literal and commands > 1:
                    message = f"{short(token.text)} cannot stand behind `|`"
                    raise at(token, message, "write a function there, such as `humanize`")
            state = _TIGHT_LITERAL if literal else _TIGHT
            if kind == "open":
                outer.append(commands)
                commands = 0
                state = _declarations(reader, scope)


def _declarations(reader: Reader, scope: Scope, is_range: bool = False) -> int:
    """Takes `$x :=`, or `$i, $x :=` of a `range`, where a pipeline starts with it."""
    variable = reader.peek()
    if variable.kind == "variable":
        behind = reader.peek(1)
        if behind.kind == "comma":
            if not is_range or reader.peek(2).kind not in ("variable", "end", "close"):
                raise reader.unexpected(behind)
            scope.declare(variable.text)
            reader.next()
            reader.next()
            _declarations(reader, scope)
        elif behind.kind == "set":
            scope.declare(variable.text)
            reader.next()
            reader.next()
    return _START


def _operand(reader: Reader, scope: Scope, token: Token, literal: bool) -> None:
    """Raises `Found` unless the token may stand where a value or function must."""
    name = token.text
    if literal or token.kind in ("field", "open"):
        return
    if token.kind == "word" and name not in KEYWORDS:
        if name not in FUNCTIONS:
            near = nearest(name, FUNCTIONS)
            help = f"did you mean `{near}`?" if near else "strings need quotes, labels `$labels.name`"
            raise at(token, f"{short(name)} is not a function of Prometheus' templates", help)
    elif token.kind == "variable":
        if name not in scope:
            near = nearest(name, scope.suggestions())
            help = f"did you mean `{near}`?" if near else "declare it first with `:=`"
            raise at(token, f"the variable {short(name)} is not defined", help)
    else:
        raise reader.unexpected(token)
