"""Lists of targets in the form that Prometheus' file and HTTP service discovery share."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rulecompiler import document
from rulecompiler.decode import text_of
from rulecompiler.diagnostics import Diagnostic, Pointer, Span, has_errors
from rulecompiler.effective.targets import Target, from_address, is_label_name
from rulecompiler.model import Source

_MOST_FAULTS = 10  # that one list is told of
_HELP = 'it must be a list such as `[{"targets": ["host:9100"], "labels": {"group_id": "grp-123"}}]`'


def read_target_list(path: str, text: str) -> tuple[tuple[Target, ...], tuple[Diagnostic, ...]]:
    """The targets of a `file_sd_configs` file (JSON, or YAML by its ending) or an HTTP answer; RC743.

    Source: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config.
    """
    data: Any
    yaml = path.endswith((".yml", ".yaml"))
    if yaml:
        parsed, faults = document.parse(Source(path, text))
        if parsed is None or has_errors(faults):
            return (), faults
        data = parsed.data
    else:
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            place = Span(path, error.lineno, error.colno, error.lineno, error.colno)
            reason = error.msg[:1].lower() + error.msg[1:]
            return (), (Diagnostic("RC743", f"`{path}` is not JSON: {reason}", place, help=_HELP),)
        except (ValueError, RecursionError):
            return (), (Diagnostic("RC743", f"`{path}` is not JSON that can be read", help=_HELP),)
    if not isinstance(data, list):
        return (), (Diagnostic("RC743", f"`{path}` is not a list of targets", Pointer(path), help=_HELP),)
    targets: list[Target] = []
    found: list[Diagnostic] = []
    for index, entry in enumerate(data):
        mine = list(_faults(entry, Pointer(path, (index,)), lenient=yaml))
        found += mine
        if len(found) >= _MOST_FAULTS:
            break
        if not mine:
            labels = {name: text_of(value) for name, value in (entry.get("labels") or {}).items()}
            targets += (from_address(text_of(address), labels) for address in entry.get("targets") or ())
    return tuple(targets), tuple(found[:_MOST_FAULTS])


def _faults(entry: Any, place: Pointer, *, lenient: bool) -> Iterator[Diagnostic]:
    """What is wrong with one entry; YAML's numbers are texts too, where `lenient`."""

    def is_text(value: Any) -> bool:
        return isinstance(value, str) or (
            lenient and value is not None and not isinstance(value, list | dict)
        )

    if not isinstance(entry, Mapping):
        yield Diagnostic("RC743", "an entry of the list is not a mapping", place, help=_HELP)
        return
    addresses, labels = entry.get("targets") or [], entry.get("labels") or {}
    if not isinstance(addresses, list):
        yield Diagnostic("RC743", "`targets` is not a list", place.at("targets"), help=_HELP)
    elif "targets" not in entry:
        yield Diagnostic("RC743", "an entry of the list has no `targets`", place, help=_HELP)
    else:
        bad = next((i for i, a in enumerate(addresses) if not is_text(a) or not a), None)
        if bad is not None:
            at = place.at("targets", bad)
            yield Diagnostic("RC743", "an address in `targets` is not a text", at, help=_HELP)
    if not isinstance(labels, Mapping):
        yield Diagnostic("RC743", "`labels` is not a mapping", place.at("labels"), help=_HELP)
        return
    for name, value in labels.items():
        if not isinstance(name, str) or not is_label_name(name):
            message = f"`{name}` is not a label's name"
            yield Diagnostic("RC743", message, place.at("labels", str(name)).key(), help=_HELP)
        elif not is_text(value):
            message = f"the value of the label `{name}` is not a text"
            yield Diagnostic("RC743", message, place.at("labels", name), help="put it into quotes")
