"""The actions of a text, and the blocks that they open and close."""

from __future__ import annotations

from typing import NamedTuple

from rulecompiler.gotemplate.pipelines import KEYWORDS, OPENERS, Found, Reader, Scope, at, read_pipeline
from rulecompiler.gotemplate.tokens import Action, Fault, Token, read_action, short, skip_comment

_PREDEFINED = ("$", "$labels", "$externalLabels", "$externalURL", "$value")
_MOST_FAULTS = 20  # a text with more is no template at all; it also bounds the time spent on one


class _Block(NamedTuple):
    """An open `{{ if }}` or the like; at its end, `outer` is cut back to `mark` variables."""

    kind: str
    opener: Token
    outer: Scope
    mark: int
    has_else: bool = False


class Checker:
    """Reads a text action by action, without recursion: nesting costs memory, never the stack."""

    def __init__(self, text: str) -> None:
        """Reads nothing yet."""
        self.text = text
        self.faults: list[Fault] = []
        self.scope = Scope(_PREDEFINED)
        self.blocks: list[_Block] = []

    def run(self) -> list[Fault]:
        """The faults in order; raises `Unsure`."""
        text, pos = self.text, 0
        while (start := text.find("{{", pos)) >= 0 and len(self.faults) < _MOST_FAULTS:
            comment = skip_comment(text, start)
            if isinstance(comment, Fault):
                return [*self.faults, comment]
            if comment is not None:
                pos = comment
                continue
            action = read_action(text, start)
            pos = action.opener.end
            try:
                self._action(action)
            except Found as found:
                fault, pos = _recover(text, action, found.fault)
                self.faults.append(fault)
        if self.blocks and not self.faults:
            opener = self.blocks[-1].opener
            message = f"{short(opener.text)} has no `{{{{ end }}}}`"
            self.faults.append(Fault(message, "add `{{ end }}`", opener.start, opener.end))
        return self.faults

    def _action(self, action: Action) -> None:
        reader = Reader(action)
        first = reader.peek()
        keyword = first.text if first.kind == "word" and first.text in KEYWORDS else ""
        if not keyword:
            read_pipeline(reader, self.scope)
            return
        reader.next()
        if keyword in OPENERS:
            self._open(keyword, action.opener)
            read_pipeline(reader, self.scope, is_range=keyword == "range")
        elif keyword == "else":
            self._else(reader, first)
        elif keyword == "end":
            reader.expect_end("end")
            self._close(first)
        elif keyword == "define":
            if self.blocks:
                raise at(first, "`define` stands inside another block", "move it to the top level")
            reader.expect_name(keyword)
            reader.expect_end(keyword)
            self._open_template(keyword, action.opener)
        elif keyword == "block":
            reader.expect_name(keyword)
            read_pipeline(reader, self.scope)
            self._open_template(keyword, action.opener)
        elif keyword == "template":
            reader.expect_name(keyword)
            if reader.peek().kind != "end":
                read_pipeline(reader, self.scope)
        else:
            reader.expect_end(keyword)
            if not self.scope.ranges:
                raise at(first, f"`{keyword}` stands outside `range`", "remove it")

    def _open(self, kind: str, opener: Token) -> None:
        self.blocks.append(_Block(kind, opener, self.scope, len(self.scope.names)))
        self.scope.ranges += kind == "range"

    def _open_template(self, kind: str, opener: Token) -> None:
        # A template of its own knows no variable from outside, not even Prometheus' own.
        self.blocks.append(_Block(kind, opener, self.scope, len(self.scope.names)))
        self.scope = Scope(("$",))

    def _close(self, token: Token) -> None:
        if self.blocks:
            block = self.blocks.pop()
            self.scope = block.outer
            self.scope.forget(block.mark)
            self.scope.ranges -= block.kind == "range" and not block.has_else
        elif not self.faults:  # else the opener may have been lost in a faulty action
            raise at(token, "`end` closes nothing", "remove it, or add the `if`, `with` or `range`")

    def _else(self, reader: Reader, token: Token) -> None:
        block = self.blocks[-1] if self.blocks else None
        if block is None or block.kind not in OPENERS:
            if self.faults:
                return
            raise at(token, "`else` without an `if`, `with` or `range`", "remove it, or add the `if`")
        chained = reader.peek()
        if block.has_else:
            raise at(token, f"a second `else` for {short(block.opener.text)}", "remove one of them")
        if chained.kind == "word" and chained.text in ("if", "with"):
            if chained.text != block.kind:
                help = f"close it first, or nest: `{{{{ else }}}}{{{{ {chained.text} … }}}}`"
                raise at(chained, f"`else {chained.text}` cannot continue a `{block.kind}`", help)
            reader.next()
            read_pipeline(reader, self.scope)
            return
        reader.expect_end("else")
        self.blocks[-1] = block._replace(has_else=True)
        self.scope.ranges -= block.kind == "range"


def _recover(text: str, action: Action, fault: Fault) -> tuple[Fault, int]:
    """The fault of an action, and where to read on.

    Where a second action opens before the first is closed, that is the fault to name.
    """
    stop = action.opener.end
    if action.fault is None:
        return fault, stop
    if text.startswith("{{", stop):
        return action.fault, stop
    ends = [at for at in (text.find("{{", stop), text.find("}}", fault.end)) if at >= 0]
    return fault, min(ends, default=len(text))
