"""A walk over a query's tokens, and what to say where it cannot go on."""

from __future__ import annotations

from typing import NamedTuple

from rulecompiler.promql.lexer import COMMENT, IDENT, STRING, Token, lex
from rulecompiler.promql.problems import SYNTAX, TOO_LARGE, Fault
from rulecompiler.promql.structure import OTHER, Structure

MAX_DEPTH = 250  # operators and brackets on one path: the library parser recurses, even in small threads

_CLOSERS = {"(": ")", "{": "}", "[": "]"}


class Frame(NamedTuple):
    """An open parenthesis."""

    kind: str  # "(" grouping, "call", "sum" aggregation
    token: int  # of the bracket
    start: int  # first token of the sub-expression
    name: str
    depth: int


class Cursor:
    """Walks the tokens once; `at` is the index of the next one that is not white space."""

    def __init__(self, text: str) -> None:
        self.tokens, self.fault = lex(text)
        self.out = Structure(text, self.tokens, [OTHER] * len(self.tokens))
        self.at = 0
        self.frames: list[Frame] = []
        self.depth = 0
        self.commas: list[int] = []  # for each open frame, how many commas it has had
        self.last = -1  # the last token read
        self.skip()

    def skip(self) -> None:
        """Go past white space and comments."""
        while self.at < len(self.tokens) and self.tokens[self.at].kind <= COMMENT:
            self.at += 1

    def peek(self) -> str:
        """The next token's text: lower case for words, empty at the end."""
        if self.at >= len(self.tokens):
            return ""
        token = self.tokens[self.at]
        return token.text.lower() if token.kind == IDENT else token.text

    def kind(self) -> int:
        """The next token's kind, or -1 at the end."""
        return self.tokens[self.at].kind if self.at < len(self.tokens) else -1

    def following(self) -> str:
        """The text of the token after the next one."""
        index = self.at + 1
        while index < len(self.tokens) and self.tokens[index].kind <= COMMENT:
            index += 1
        if index >= len(self.tokens) or self.tokens[index].kind == STRING:
            return ""
        return self.tokens[index].text.lower()

    def take(self, role: int = OTHER) -> int:
        """Read a token in this role; its index."""
        index = self.at
        self.out.roles[index] = role
        self.last = index
        self.at += 1
        self.skip()
        return index

    def take_if(self, *texts: str, role: int = OTHER) -> bool:
        """Read the next token if it is one of these, and say whether it was."""
        if self.at < len(self.tokens) and self.kind() != STRING and self.peek() in texts:
            self.take(role)
            return True
        return False

    def expect(self, text: str, what: str) -> int:
        """Read the next token, which must be this one; its index."""
        if self.peek() != text:
            raise self.unexpected(f"`{text}`{what}")
        return self.take()

    def deeper(self) -> None:
        """Count one more operation on the way from the root."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            token = self.tokens[self.last]
            message = f"the query nests or chains more than {MAX_DEPTH} operations"
            raise Fault(TOO_LARGE, message, "split it with recording rules", token.start, token.end)

    def unexpected(self, expected: str) -> Fault:
        """The fault of a token, or an end, where `expected` should be."""
        if self.at < len(self.tokens):
            token = self.tokens[self.at]
            message = f"`{short(token.text)}` stands where {expected} should stand"
            return Fault(SYNTAX, message, _advice(token), token.start, token.end)
        if self.fault:
            return self.fault
        if self.frames:
            return self.unclosed(self.frames[-1].token)
        if self.last < 0:
            return Fault(SYNTAX, "the query is empty", "write a PromQL expression", 0, len(self.out.text))
        token = self.tokens[self.last]
        message = f"the query ends after `{short(token.text)}`, where {expected} should follow"
        return Fault(SYNTAX, message, "complete it, or remove what dangles", token.start, token.end)

    def unclosed(self, opening: int) -> Fault:
        """The fault of a bracket without its partner."""
        if self.fault and self.at >= len(self.tokens):
            return self.fault
        token = self.tokens[opening]
        help = f"close it with `{_CLOSERS[token.text]}`"
        return Fault(SYNTAX, f"`{token.text}` is never closed", help, token.start, token.end)


def short(text: str) -> str:
    """A token as a message repeats it."""
    line = text.partition("\n")[0]
    return line if len(line) <= 40 else line[:39] + "…"


def _advice(token: Token) -> str:
    if token.text == "=":
        return "comparison is written `==`"
    if token.kind == IDENT:
        return f"check the spelling of `{short(token.text)}` and what stands before it"
    return "check what stands before it"
