"""Load the shipped JSON Schemas, and say what in a document does not fit them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Document
from rulecompiler.schema.acceptor import Accepts, compile_schema

Kind = Literal["template", "group", "settings"]


def text(kind: Kind) -> str:
    """The schema file of one of the three formats, as it is shipped."""
    name = f"{kind}.schema.json"
    here = Path(__file__).parent.parent
    packaged = here / "schemas" / name  # not importlib.resources, which takes longer to import than all else
    # A source checkout has them at its top: only the wheel's builder puts them inside the package.
    path = packaged if packaged.is_file() else here.parents[1] / "schemas" / name
    return path.read_text("utf-8")


@lru_cache
def load(kind: Kind) -> Mapping[str, Any]:
    """The JSON Schema of one of the three formats; shared, so copy it before changing anything."""
    schema: Mapping[str, Any] = json.loads(text(kind))
    return schema


@lru_cache
def _accepts(kind: Kind) -> Accepts:
    return compile_schema(load(kind))


def validate(kind: Kind, document: Document) -> tuple[Diagnostic, ...]:
    """Everything in a document that its schema does not allow, each at its own place; empty if valid."""
    if _accepts(kind)(document.data):
        return ()
    from rulecompiler.schema import faults  # with jsonschema, which is needed for faults only

    return faults.explain(kind, load(kind), document)
