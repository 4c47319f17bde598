"""Programs that need more than bare names: checked Jinja2, run in its sandbox.

The source keeps its length while it is prepared (`${{` and `${1}` are literal), so that every piece
of output can be traced to the characters that it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.visitor import NodeTransformer

from rulecompiler.document.characters import odd_in
from rulecompiler.interpolation import MAX_OUTPUT, GroupFacts, Program, TextFault, not_text
from rulecompiler.interpolation.allowed import FILTER_HELP, SYNTAX_HELP, inspect, line_span, sentence
from rulecompiler.interpolation.sandbox import (
    BUDGET,
    CONCAT,
    KINDS,
    LOOP,
    READ,
    BadArguments,
    NoText,
    Spent,
    environment,
    purse,
)
from rulecompiler.model import Segment

# Control characters never reach this stage from YAML, so they can carry structure.
_LITERAL_DOLLAR = "\x0e"
_MARK = re.compile("\x01([0-9]+)\x02")
_LITERAL = re.compile(r"\$(?=\{(?:\{|[0-9]+\}))")
_TAG = "\x0f"
_SILENT_LINE = re.compile(rf"^[ \t]*{_TAG}[ \t{_TAG}]*(?:\n|\Z)", re.M)


class _Piece:
    """A run of the source that can produce output."""

    __slots__ = ("end", "is_value", "start")

    def __init__(self, start: int, end: int, is_value: bool) -> None:
        self.start = start
        self.end = end
        self.is_value = is_value


def compile_jinja(text: str) -> Program | TextFault:
    """The program of any text; a `TextFault` where it does not parse or is not allowed."""
    if odd_in(text).search(text):
        return TextFault("the text holds a control character", "take it out", 0, len(text))
    source = _LITERAL.sub(_LITERAL_DOLLAR, text)
    try:
        tree = environment.parse(source)
        pieces = list(_pieces(source))
        names, uses_group, fault = inspect(tree, source)
        fault = fault or _sign_fault(pieces, source)
        if fault is not None:
            return fault
        _Meters().visit(tree)
        _drop_silent_lines(pieces, source)
        _mark(tree, pieces, source)
        template = environment.from_string(tree)
    except TemplateSyntaxError as error:
        start, end = line_span(text, error.lineno)
        return TextFault(sentence(error.message), SYNTAX_HELP, start, end)
    except RecursionError:
        return TextFault("the expression is nested too deeply", "write it in fewer steps", 0, len(text))
    except ValueError:  # Python reads no whole number of thousands of digits
        return TextFault("a number has too many digits", "write a smaller one", 0, len(text))
    return _JinjaProgram(template, pieces, names, uses_group, len(text))


class _JinjaProgram:
    """A checked program behind Jinja2's compiled template."""

    def __init__(
        self, template: Any, pieces: list[_Piece], names: frozenset[str], uses_group: bool, length: int
    ) -> None:
        self._template = template
        self._pieces = pieces
        self._length = length
        self.names = names
        self.uses_group = uses_group

    def render(self, values: Mapping[str, Any], group: GroupFacts) -> tuple[Segment, ...] | TextFault:
        """The text with values put in; a `TextFault` where a value makes an operation fail."""
        facts = {"id": group.id, "name": group.name, "labels": dict(group.labels)}
        context = self._template.new_context({**values, "group": facts})
        purse.left = BUDGET
        output: list[str] = []
        size = 0
        try:
            for chunk in self._template.root_render_func(context):
                size += len(chunk)
                if size > MAX_OUTPUT:
                    raise Spent
                output.append(chunk)
        except Spent:
            return self._fault("the text grows too large, or takes too many steps", "make it smaller", output)
        except NoText as error:
            place = self._fault("", "", output)
            return not_text("", error.value, place.start, place.end)
        except UndefinedError as error:
            return self._fault(sentence(str(error)), "use a name that every group has, or `default`", output)
        except BadArguments:
            return self._fault("a filter is given arguments that it does not take", FILTER_HELP, output)
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            return self._fault(sentence(str(error)), "look at the values that it is given", output)
        return self._segments("".join(output))

    def _fault(self, message: str, help_text: str, output: list[str]) -> TextFault:
        """A fault at the piece that was being rendered: the last one whose mark was written."""
        marks = _MARK.findall("".join(output))
        if marks:
            piece = self._pieces[int(marks[-1])]
            return TextFault(message, help_text, piece.start, piece.end)
        return TextFault(message, help_text, 0, self._length)

    def _segments(self, output: str) -> tuple[Segment, ...]:
        parts = _MARK.split(output)
        segments = []
        for index, text in zip(parts[1::2], parts[2::2], strict=True):
            piece = self._pieces[int(index)]
            if piece.is_value:
                segments.append(Segment(text[1:], piece.start, piece.end, KINDS[text[0]]))
            elif text:
                segments.append(Segment(text.replace(_LITERAL_DOLLAR, "$"), piece.start, piece.end))
        return tuple(segments)


def _pieces(source: str) -> Iterator[_Piece]:
    """The source's runs of text and `${…}` in order, by Jinja2's own lexer."""
    position = 0
    value_start = -1
    for _, token, raw in environment.lexer.tokeniter(source, None):
        # Whitespace control (`{%-`) drops white space from what the lexer gives back.
        position = source.index(raw, position)
        if token == "data" and raw:
            yield _Piece(position, position + len(raw), is_value=False)
        elif token == "variable_begin":
            value_start = position
        elif token == "variable_end":
            yield _Piece(value_start, position + len(raw.rstrip()), is_value=True)
        position += len(raw)


def _drop_silent_lines(pieces: list[_Piece], source: str) -> None:
    """Takes the lines that hold nothing but `{% %}` and `{# #}` out of the text: they are not the query's.

    Jinja2's own `trim_blocks` would also join a line that merely ends in `{% endif %}` to the next.
    """
    masked: list[str] = []
    position = 0
    for piece in pieces:
        masked.append(_TAG * (piece.start - position))
        masked.append("v" * (piece.end - piece.start) if piece.is_value else source[piece.start : piece.end])
        position = piece.end
    masked.append(_TAG * (len(source) - position))
    silent = bytearray(len(source))
    for line in _SILENT_LINE.finditer("".join(masked)):
        silent[line.start() : line.end()] = b"\1" * (line.end() - line.start())
    for piece in pieces:
        if not piece.is_value:
            while piece.start < piece.end and silent[piece.start]:
                piece.start += 1
            while piece.start < piece.end and silent[piece.end - 1]:
                piece.end -= 1


def _sign_fault(pieces: list[_Piece], source: str) -> TextFault | None:
    """`${-x}`, which Jinja2 reads as white space control: the minus would be gone without a word."""
    for piece in pieces:
        sign, end = source[piece.start + 2 : piece.start + 3], source[piece.end - 2 : piece.end - 1]
        if not piece.is_value:
            continue
        if sign in ("-", "+"):
            return TextFault(
                f"`${{{sign}` strips the white space before it, as in Jinja2, and is no sign",
                f"write `${{ {sign}` with a space for a sign, or leave it out",
                piece.start,
                piece.start + 3,
            )
        if end == "-":
            return TextFault(
                "`-}` strips the white space after it, as in Jinja2",
                "leave the `-` out; `{%- … -%}` is there to strip white space",
                piece.end - 2,
                piece.end,
            )
    return None


class _Meters(NodeTransformer):
    """Puts filters at `a ~ b`, at comparisons and at a loop's list, to draw on the budget as filters do."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        """The same texts joined by the metered filter."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, CONCAT, [], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.For:
        """The same loop, paid for by what stands in it, as a turn need not write or filter anything."""
        self.generic_visit(node)
        cost = nodes.Const(sum(1 for _ in node.find_all(nodes.Node)))
        node.iter = nodes.Filter(node.iter, LOOP, [cost], [], None, None, lineno=node.lineno)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:
        """The same comparison: looking a word up in a long text takes its time."""
        self.generic_visit(node)
        node.expr = nodes.Filter(node.expr, READ, [], [], None, None, lineno=node.lineno)
        for operand in node.ops:
            operand.expr = nodes.Filter(operand.expr, READ, [], [], None, None, lineno=node.lineno)
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Test:
        """The same test, whose arguments are compared."""
        self.generic_visit(node)
        node.args = [nodes.Filter(a, READ, [], [], None, None, lineno=node.lineno) for a in node.args]
        return node


def _mark(tree: nodes.Template, pieces: list[_Piece], source: str) -> None:
    """Puts each piece's number in front of its output, which is what is left of it."""
    number = 0
    for output in _in_source_order(tree):
        marked: list[nodes.Expr] = []
        for child in output.nodes:
            mark = f"\x01{number}\x02"
            if isinstance(child, nodes.TemplateData):
                text = source[pieces[number].start : pieces[number].end]
                marked.append(nodes.TemplateData(mark + text, lineno=child.lineno))
            else:
                marked += [nodes.TemplateData(mark, lineno=output.lineno), child]
            number += 1
        output.nodes = marked


def _in_source_order(node: nodes.Node) -> Iterator[nodes.Output]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Output):
            yield child
        else:
            yield from _in_source_order(child)
