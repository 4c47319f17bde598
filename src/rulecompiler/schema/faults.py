"""Say in the author's terms where and why a document does not fit its schema.

One diagnostic a fault, at its own place. The words for a wrong form stand in the schemas
(`patternErrorMessage`, `errorMessage`), where editors show them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from rulecompiler.diagnostics import Diagnostic, Pointer
from rulecompiler.model import Document
from rulecompiler.schema.acceptor import regex
from rulecompiler.schema.values import VALUE_FAULTS, SchemaError, too_long
from rulecompiler.words import nearest, show

# The only key of a Prometheus rule file, and the keys of the operator's PrometheusRule around one.
_RULE_FILE = frozenset({"groups", "apiVersion", "kind", "metadata", "spec"})
_LABELS = frozenset({"severity", "team", "priority"})
_CREDENTIALS = frozenset({"username", "password", "token", "basic_auth", "bearer_token", "credentials"})
_ANNOTATIONS = frozenset({"summary", "description", "runbook_url", "runbook", "dashboard", "message"})


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _compiled(pattern).search(value):
        yield ValidationError("")


_compiled = lru_cache(regex)
_extend: Any = extend  # without types of its own
_Validator = _extend(Draft202012Validator, {"pattern": _pattern})

Keys = tuple[str | int, ...]


def explain(kind: str, schema: Mapping[str, Any], document: Document) -> tuple[Diagnostic, ...]:
    """The faults of a document that its schema does not accept, at least one."""
    errors = [_told(error, kind, document.path) for error in _Validator(schema).iter_errors(document.data)]
    misspelt = {keys for error in errors for keys in _meant(error)}
    forbidden = {error.at.keys for error in errors if error.keyword == "not" and not error.in_name}
    of_wrong_type = {error.at.keys for error in errors if error.keyword == "type"}
    faults: list[Diagnostic] = []
    for error in errors:
        if error.keyword != "not" and error.at.keys in forbidden:
            continue  # nothing may stand there, so its form does not matter
        if error.keyword == "enum" and error.at.keys in of_wrong_type:
            continue  # said once
        faults.extend(_diagnose(error, misspelt))
    if not faults:
        raise RuntimeError(f"{document.path} is refused by the {kind} schema, but jsonschema finds no fault")
    return tuple(dict.fromkeys(faults))


def _told(error: ValidationError, kind: str, path: str) -> SchemaError:
    via = tuple(error.relative_schema_path)
    return SchemaError(
        keyword=str(error.validator),
        argument=error.validator_value,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        value=error.instance,
        at=Pointer(path, tuple(error.absolute_path)),
        kind=kind,
        in_name=via[-2:-1] == ("propertyNames",) or via[-3:-1] == ("propertyNames", "$ref"),
    )


def _unknown(error: SchemaError) -> list[str]:
    return [key for key in error.value if key not in error.known]


def _is_rule_file(error: SchemaError, key: str) -> bool:
    """Whether a file with this unknown key is a Prometheus rule file where a template is due."""
    return error.kind == "template" and not error.at.keys and key in _RULE_FILE


def _meant(error: SchemaError) -> Iterator[Keys]:
    """The places of the known keys that unknown ones were meant to be."""
    if error.keyword == "additionalProperties":
        for key in _unknown(error):
            if _is_rule_file(error, key):
                yield from [("alert",), ("expr",)]
            elif match := nearest(key, error.known):
                yield (*error.at.keys, match)


def _diagnose(error: SchemaError, misspelt: set[Keys]) -> Iterator[Diagnostic]:
    """The diagnostics of one error; a key that was misspelt is not missing as well."""
    value, at = error.value, error.at
    if error.in_name:
        yield _bad_name(error)
    elif error.keyword == "additionalProperties":
        unknown = _unknown(error)
        files = [key for key in unknown if _is_rule_file(error, key)]
        for key in unknown:
            if key not in files[1:]:  # of a pasted file, one of its keys is enough
                yield _unknown_key(key, error)
    elif error.keyword == "required":
        for key in error.argument:
            if key not in value and (*at.keys, key) not in misspelt:
                yield _missing(key, error)
    elif error.keyword == "dependentRequired":
        for key, others in error.argument.items():
            for other in others:
                if key in value and other not in value and (*at.keys, other) not in misspelt:
                    yield needs(key, other, at)
    elif error.keyword == "oneOf":
        if isinstance(value, dict) and not {("alert",), ("record",)} & misspelt:
            yield _alert_or_record(error)
    else:
        yield VALUE_FAULTS[error.keyword](error)


def needs(key: str, other: str, at: Pointer) -> Diagnostic:
    """A key that makes no sense without another one beside it in the mapping at `at`."""
    return Diagnostic(
        "RC209",
        f"`{key}` needs a `{other}` beside it",
        at.at(key).key(),
        help=f"say with `{other}` for which slice of the group this rule stands in",
    )


def _bad_name(error: SchemaError) -> Diagnostic:
    key = str(error.value)
    shown = show(key)
    place = error.at.at(key).key()
    if error.keyword == "not":
        message = f"{error.schema['errorMessage']}, as {shown} has"
        return Diagnostic("RC206", message, place, help="rename it")
    if error.keyword == "maxLength":
        return too_long(error._replace(at=place))
    if error.at.keys == ("rules",) and "/" in key:
        plain = key.rsplit("/", 1)[-1] or "MyRule"
        help_ = f"give the rule a plain name, and the path as its template: `{plain}: {{template: {key}}}`"
        return Diagnostic("RC206", f"a rule's name must not hold `/`, as {shown} does", place, help=help_)
    return Diagnostic("RC206", f"{error.words}, not {shown}", place, help="rename it")


def _unknown_key(key: str, error: SchemaError) -> Diagnostic:
    value, keys = error.value[key], error.at.keys
    match = nearest(key, error.known)
    if _is_rule_file(error, key):
        help_ = "a template holds one rule: put each rule of this Prometheus rule file in a file of its own"
    elif match:
        help_ = f"did you mean `{match}`?"
    elif error.kind == "settings" and key in _CREDENTIALS:
        help_ = "credentials come from the environment: PROMETHEUS_PASSWORD_FILE or PROMETHEUS_TOKEN_FILE"
    elif key in _LABELS and "labels" in error.known:
        help_ = f"a label goes under `labels`: `labels: {{{key}: {_inline(value)}}}`"
    elif key in _ANNOTATIONS and "annotations" in error.known:
        help_ = f"an annotation goes under `annotations`: `annotations: {{{key}: …}}`"
    elif error.kind == "template" and not keys and key in ("interval", "limit", "query_offset"):
        help_ = f"`{key}` belongs to the group: write it in the group's file"
    elif error.kind == "group" and len(keys) == 2 and keys[0] == "rules" and key == "expr":
        help_ = "a group cannot change a query: it stands in the template"
    elif error.kind == "group" and len(keys) == 2 and keys[0] == "rules" and not isinstance(value, dict):
        help_ = f"a parameter goes under `params`: `params: {{{key}: {_inline(value)}}}`"
    else:
        help_ = f"known here: {', '.join(sorted(error.known))}"
    place = error.at.at(key).key()
    return Diagnostic("RC201", f"unknown key `{show(key)[1:-1]}`", place, help=help_)


def _inline(value: Any) -> str:
    """A value inside the example of a `{…}` mapping."""
    if isinstance(value, str) and value.isalnum():
        return value
    return "…" if isinstance(value, list) else show(value)


def _missing(key: str, error: SchemaError) -> Diagnostic:
    declared = error.known.get(key, {})
    examples = declared.get("examples") or declared.get("enum") or ["…"]
    keys = error.at.keys
    place = error.at.key() if keys and isinstance(keys[-1], str) else error.at
    return Diagnostic(
        "RC202", f"{error.name} has no `{key}`", place, help=f"add it, such as `{key}: {examples[0]}`"
    )


def _alert_or_record(error: SchemaError) -> Diagnostic:
    if "alert" in error.value:
        return Diagnostic(
            "RC208",
            "a template has either `alert` or `record`, not both",
            error.at.at("record").key(),
            help="an alert fires, a record stores the query's result as a new series: make two templates",
        )
    return Diagnostic(
        "RC208",
        "a template has neither `alert` nor `record`",
        error.at,
        help="name the rule, such as `alert: HighCPUUsage` or `record: instance:cpu_busy:percent`",
    )
