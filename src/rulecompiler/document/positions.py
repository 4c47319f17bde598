"""Where things stand in a YAML file: found again from the text, only when somebody asks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import yaml

from rulecompiler.diagnostics import Place, Pointer, Span
from rulecompiler.encoding import normalise

MAX_DEPTH = 64
"""How deep mappings and lists may be nested."""

YAML_FAULTS = (yaml.YAMLError, ValueError, OverflowError)
"""What PyYAML's parsers raise on bad text: a bad escape or tag gives Python's own errors."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def event_reader(text: str) -> Callable[[], Any]:
    """A function that gives the text's next YAML event, in libyaml's speed where it is there.

    It raises one of `YAML_FAULTS` where the text is not YAML.
    """
    get_event: Callable[[], Any] = _LOADER(text).get_event
    return get_event


@dataclass(slots=True)
class _Node:
    """A value's range of character indices, and what hangs below it."""

    start: int
    end: int  # without the blank lines that the parser counts to a block
    raw_end: int = 0  # with them
    style: str = ""
    text: str | None = None  # a scalar's value
    target: _Node | None = None  # of an alias: what it stands for
    keys: dict[str | int, _Node] = field(default_factory=dict)
    children: dict[str | int, _Node] = field(default_factory=dict)


class Locator:
    """Turns places into spans; each file is read at the first question about it.

    A place that is not there (any more) is answered with the nearest parent that is: by the
    parent's key if it has one, otherwise by its value. An aliased value stands where the `*alias`
    is, and what is inside of it where the anchor is.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        """`sources` maps paths to texts, as they were handed to `parse`."""
        self._sources = sources
        self._files: dict[str, _File] = {}

    def span(self, place: Place) -> Span:
        """The range of a place; never raises. An unknown file gives its first character."""
        if isinstance(place, Span):
            return place
        file = self._files.get(place.path)
        if file is None:
            text = self._sources.get(place.path)
            if text is None:
                return Span(place.path, 1, 1, 1, 1)
            file = self._files[place.path] = _File(place.path, text)
        return file.span(place)


class _File:
    """One file's text with the tree of its values."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = normalise(text)
        self.lines = [0]
        at = self.text.find("\n")
        while at >= 0:
            self.lines.append(at + 1)
            at = self.text.find("\n", at + 1)
        self.root = _tree(self.text)

    def span(self, place: Pointer) -> Span:
        node, key_node = self.root, None
        for key in place.keys:
            inside = node.target or node
            if key not in inside.children:
                return self._between(key_node or node)
            node, key_node = inside.children[key], inside.keys.get(key)
        if place.on_key:
            return self._between(key_node or node)
        part = self._part(node.target or node, place.start, place.end) if place.start >= 0 else None
        return self._between(part or node)

    def _part(self, node: _Node, start: int, end: int) -> _Node | None:
        """A part of a scalar's value, or None where it cannot be found in the text."""
        if not node.text:
            return None
        from rulecompiler.document.offsets import raw_offsets  # wanted only where a fault is shown

        offsets = raw_offsets(self.text[node.start : node.raw_end], node.style, node.text)
        if offsets is None:
            return None
        start = min(start, len(offsets))
        end = min(max(start, end), len(offsets))
        first = offsets[start][0] if start < len(offsets) else offsets[-1][1]
        last = offsets[end - 1][1] if end > start else first
        return _Node(node.start + first, node.start + last)

    def _between(self, node: _Node) -> Span:
        start, end = node.start, node.end
        first = bisect_right(self.lines, start) - 1
        last = bisect_right(self.lines, end) - 1
        return Span(
            self.path,
            first + 1,
            start - self.lines[first] + 1,
            last + 1,
            end - self.lines[last] + 1,
        )


def _tree(text: str) -> _Node:
    """The tree of the first document's values, as far as the text can be read."""
    anchors: dict[str, _Node] = {}
    root = _Node(0, 0)
    stack: list[_Open] = []
    for event in _events(text):
        kind = type(event)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            node = stack.pop().node
            if event.end_mark.index > event.start_mark.index:  # a closing bracket
                node.end = event.end_mark.index
            if stack:
                stack[-1].node.end = node.end
            continue
        end = event.end_mark.index
        node = _Node(event.start_mark.index, end, end)
        if kind is yaml.AliasEvent:
            node.target = anchors.get(event.anchor)
        elif event.anchor is not None:
            anchors[event.anchor] = node
        if kind is yaml.ScalarEvent:
            node.text, node.style = event.value, event.style or ""
            if node.style in ("|", ">"):
                node.end = node.start + len(text[node.start : end].rstrip())
        if stack:
            stack[-1].attach(node)
        else:
            root = node
        if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            stack.append(_Open(node, kind is yaml.MappingStartEvent))
    for inner, outer in pairwise(reversed(stack)):  # what a fault in the text left open
        outer.node.end = max(outer.node.end, inner.node.end)
    return root


@dataclass(slots=True)
class _Open:
    """A collection whose end is still to come."""

    node: _Node
    is_mapping: bool
    key: _Node | None = None  # whose value comes next

    def attach(self, node: _Node) -> None:
        """Take in what comes next: a key, the value of the key before, or an item."""
        self.node.end = node.end
        if not self.is_mapping:
            self.node.children[len(self.node.children)] = node
        elif self.key is None:
            self.key = node
        else:
            name = (self.key.target or self.key).text
            if name is not None and name not in self.node.keys:  # of a duplicate key, the first
                self.node.keys[name] = self.key
                self.node.children[name] = node
            self.key = None


def _events(text: str) -> Iterator[Any]:
    """The first document's events, up to where the text stops to be YAML or is nested too deep."""
    depth = 0
    try:
        get_event = event_reader(text)
        while True:
            event = get_event()
            kind = type(event)
            if kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                depth += 1
                if depth > MAX_DEPTH:
                    return
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                depth -= 1
            elif kind is yaml.DocumentEndEvent or kind is yaml.StreamEndEvent:
                return
            elif kind is not yaml.ScalarEvent and kind is not yaml.AliasEvent:
                continue
            yield event
    except YAML_FAULTS:
        return
