"""A YAML file's text, read as plain data the way YAML 1.2 means it, with every fault that it has.

The events of one parse are turned into dicts, lists and scalars at once: no node tree is built,
so reading is faster than PyYAML's own loader although it refuses more. Positions are not kept;
`Locator` finds them again when a diagnostic has to be shown.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import yaml

from rulecompiler.diagnostics import Diagnostic, Related, Span
from rulecompiler.document.aliases import Aliases, Refusal
from rulecompiler.document.characters import character, odd_characters, odd_in
from rulecompiler.document.positions import MAX_DEPTH, YAML_FAULTS, event_reader
from rulecompiler.document.scalars import (
    LEADING_ZERO,
    MAY_START_OTHER_THAN_STRING,
    as_written,
    plain_value,
    tag_of,
    type_name,
)
from rulecompiler.encoding import normalise
from rulecompiler.model import Document, Source

MAX_FAULTS = 100
"""How many faults of one file are reported."""

_CORE_TAG = "tag:yaml.org,2002:"
_NO_KEY: Any = object()


def parse(source: Source) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Read a YAML file; the document is None exactly when there are diagnostics.

    Never raises, whatever the text. Aliased values are one shared object: do not change them.
    """
    text = normalise(source.text)
    faults = odd_characters(source.path, text, MAX_FAULTS)
    data = None
    if not faults:
        reader = _Reader(source.path, text)
        with suppress(_EnoughError):
            data = reader.read()
        faults = reader.faults
    if not faults:
        return Document(source.path, data), ()
    return None, tuple(faults)


class _EnoughError(Exception):
    """More faults than anybody wants to read."""


class _Reader:
    """One reading of one text; `faults` holds what was found on the way."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.faults: list[Diagnostic] = []
        self.aliases = Aliases()
        self.refused: set[Refusal] = set()

    def read(self) -> Any:
        """The text's only document; what it gives beside faults is of no use."""
        get_event, event = event_reader(self.text), None
        root: list[Any] = []
        # The innermost open collection; `seen` maps its keys to their events, or is None in
        # a sequence; `key` waits for its value.
        container: Any = root
        seen: dict[str, Any] | None = None
        key: Any = _NO_KEY
        stack: list[tuple[Any, dict[str, Any] | None, Any]] = []
        documents = 0
        while True:
            try:
                event = get_event()
            except YAML_FAULTS as fault:
                from rulecompiler.document.faults import explain  # not wanted for what is YAML

                self.faults.append(explain(fault, self.path, self.text, event))
                return None
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value = event.value
                if event.tag is not None:
                    value = self._tagged_scalar(event)
                elif not event.style:
                    if not value or value[0] in MAY_START_OTHER_THAN_STRING:
                        value = plain_value(value)
                        if type(value) is float and not math.isfinite(value):
                            self._not_finite(event)
                        elif type(value) is int and LEADING_ZERO.match(event.value):
                            self._leading_zero(event)
                        else:
                            value = as_written(value, event.value)
                elif event.style == '"' and odd_in(value).search(value):
                    self._odd_value(event)
                if event.anchor is not None:
                    self.aliases.anchors[event.anchor] = value
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                container, seen, key = stack.pop()
                continue
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(stack) >= MAX_DEPTH:
                    self._too_deep(event)
                    return None
                value = {} if kind is yaml.MappingStartEvent else []
                if event.tag is not None:
                    self._check_collection_tag(event)
                if event.anchor is not None:
                    self.aliases.anchors[event.anchor] = value
                after_it: Any = _NO_KEY
                if seen is None:
                    container.append(value)
                elif key is _NO_KEY:
                    self._bad_key(event, "a mapping" if type(value) is dict else "a list")
                    after_it = ""
                else:
                    container[key] = value
                stack.append((container, seen, after_it))
                container, key = value, _NO_KEY
                seen = {} if kind is yaml.MappingStartEvent else None
                continue
            elif kind is yaml.AliasEvent:
                value = self._alias(event, [frame[0] for frame in stack] + [container])
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    self._second_document(event)
                    return None
                continue
            elif kind is yaml.StreamEndEvent:
                break
            else:
                continue
            if seen is None:
                container.append(value)
            elif key is _NO_KEY:
                key = self._key(event, value, seen)
            else:
                container[key] = value
                key = _NO_KEY
        if not self.faults and (not root or root[0] is None):
            place = Span(self.path, 1, 1, 1, 1)
            self._fault("RC110", "the file is empty", place, "delete it, or write a template or group in it")
        return root[0] if root else None

    def _key(self, event: Any, value: Any, seen: dict[str, Any]) -> str:
        """A mapping's key, which must be a new string."""
        if type(value) is not str:
            self._bad_key(event, type_name(value))
            value = str(getattr(event, "value", value))
        elif value == "<<" and type(event) is yaml.ScalarEvent and not event.style and event.tag is None:
            self._fault(
                "RC115",
                "merge keys (<<) are not part of YAML 1.2",
                self._span(event),
                "write the keys out; in a group, a `parent` shares rules and parameters",
            )
        if value in seen:
            self._fault(
                "RC113",
                f"key {_short(value)} stands twice in one mapping",
                self._span(event),
                "keep one of the two, or merge what is below them",
                label="again here",
                related=(Related(self._span(seen[value]), "first here"),),
            )
        else:
            seen[value] = event
        return str(value)

    def _tagged_scalar(self, event: Any) -> Any:
        """The value of a scalar with an explicit tag."""
        tag, text = event.tag, event.value
        if event.style == '"' and odd_in(text).search(text):
            self._odd_value(event)
        if tag in ("!", _CORE_TAG + "str"):
            return text
        value = plain_value(text)
        wanted = tag.removeprefix(_CORE_TAG)
        if tag == _CORE_TAG + wanted and wanted in ("null", "bool", "int", "float"):
            if type(value) is float and not math.isfinite(value):
                self._not_finite(event)
                return None
            if wanted == "float" and type(value) is int:
                return float(value)
            if tag_of(value) != wanted:
                self._fault(
                    "RC116",
                    f"{_short(text)} is not a value of !!{wanted}",
                    self._span(event),
                    "remove the tag, or correct the value",
                )
            return value
        self._bad_tag(event)
        return None

    def _check_collection_tag(self, event: Any) -> None:
        name = "map" if type(event) is yaml.MappingStartEvent else "seq"
        if event.tag not in ("!", _CORE_TAG + name):
            self._bad_tag(event)

    def _alias(self, event: Any, containers: list[Any]) -> Any:
        """The value of `*name`, or None where it is refused."""
        value = self.aliases.value(event.anchor, containers)
        if isinstance(value, Refusal):
            if value not in self.refused:  # of a bomb, one place is enough
                self._fault("RC119", value.message, self._span(event), value.help)
            self.refused.add(value)
            return None
        return value

    def _bad_key(self, event: Any, what: str) -> None:
        text = getattr(event, "value", None)
        help = f'quote it: "{text}"' if text else "give it a name"
        if self.text.startswith("{{", event.start_mark.index - 1):
            help = "put the whole value in quotes: YAML takes the `{{` at its start for two mappings"
        self._fault("RC114", f"a key must be a string, this one is {what}", self._span(event), help)

    def _bad_tag(self, event: Any) -> None:
        tag = event.tag
        shown = "!!" + tag.removeprefix(_CORE_TAG) if tag.startswith(_CORE_TAG) else tag
        self._fault("RC116", f"tag {_short(shown)} is not supported", self._span(event), "remove the tag")

    def _not_finite(self, event: Any) -> None:
        self._fault(
            "RC117",
            f"{_short(event.value)} is not a finite number",
            self._span(event),
            "write a number that a 64-bit float holds, or quote it if text was meant",
        )

    def _leading_zero(self, event: Any) -> None:
        self._fault(
            "RC122",
            f"{_short(event.value)} begins with a zero, which some readers take for an octal number",
            self._span(event),
            "leave the zeros out, or quote it if text was meant",
        )

    def _odd_value(self, event: Any) -> None:
        found = sorted(set(odd_in(event.value).findall(event.value)))
        self._fault(
            "RC118",
            f"the value holds {', '.join(map(character, found[:3]))}, which no name, query or text may hold",
            self._span(event),
            "remove it; of the control characters only \\n and \\t are allowed",
        )

    def _too_deep(self, event: Any) -> None:
        self._fault(
            "RC120",
            f"mappings and lists are nested more than {MAX_DEPTH} deep",
            self._span(event),
            "look for a bracket that is not closed",
        )

    def _second_document(self, event: Any) -> None:
        self._fault(
            "RC121",
            "a second YAML document starts here",
            self._span(event),
            "move it to a file of its own: one template or group a file",
        )

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        if getattr(event, "style", None) in ("|", ">"):  # just its head: the text below may be long
            return Span(self.path, start.line + 1, start.column + 1, start.line + 1, start.column + 2)
        return Span(self.path, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _fault(
        self,
        code: str,
        message: str,
        place: Span,
        help: str,
        label: str = "",
        related: tuple[Related, ...] = (),
    ) -> None:
        self.faults.append(Diagnostic(code, message, place, label=label, help=help, related=related))
        if len(self.faults) >= MAX_FAULTS:
            raise _EnoughError


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
