"""Which groups must be compiled again: those of whose inputs something changed.

A group's file depends on its own file, its ancestors', those of the groups whose rules may change
what it emits (`neighbours.whose_word_counts`, and their ancestors'), on the templates that it uses or
that coverage consulted, and on how template names are given. All of that is hashed into one key a
group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from rulecompiler.forest import Forest
from rulecompiler.model import Group, Matcher, Options, Template
from rulecompiler.neighbours import Neighbours, whose_word_counts


def template_header(template: Template) -> dict[str, Any]:
    """What other files can see of a template without reading it: its names and requirements."""
    return {"name": template.name, "rule": template.rule, "requires": list(template.requires)}


def group_header(group: Group) -> dict[str, Any]:
    """What other files can see of a group without reading it."""
    return {
        "id": group.id,
        "name": group.name,
        "parent": group.parent,
        "abstract": group.abstract,
        "scope": [list(m) for m in group.scope],
        "params": list(group.params),
    }


def group_from_header(path: str, header: Mapping[str, Any]) -> Group:
    """A group without rules and values, enough for its place among the others."""
    return Group(
        path=path,
        id=header["id"],
        name=header["name"],
        parent=header["parent"],
        abstract=header["abstract"],
        scope=tuple(Matcher(label, op, value) for label, op, value in header["scope"]),
        labels={},
        params=dict.fromkeys(header["params"]),
        rules={},
    )


def names_key(options: Options, headers: Iterable[Mapping[str, Any]]) -> str:
    """A key of everything that decides what a template's name means, and of the options."""
    named = sorted((h["name"], h["rule"], *h["requires"]) for h in headers)
    return _hash([repr(options), repr(named)])


def group_key(
    group_id: str,
    forest: Forest,
    around: Mapping[str, Neighbours],
    digests: Mapping[str, str],
    templates: Iterable[str],
    names: str,
) -> str:
    """The key of all that a group's file depends on; `templates` are those of its facts."""
    parts = [names]
    for path in [*group_files(group_id, forest, around), *templates]:
        parts += (path, digests.get(path, ""))
    return _hash(parts)


def group_files(group_id: str, forest: Forest, around: Mapping[str, Neighbours]) -> tuple[str, ...]:
    """The group files that a group's output depends on, sorted."""
    members = whose_word_counts(group_id, around)
    return tuple(sorted({g.path for member in members for g in forest.chain(member)}))


def _hash(parts: list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
