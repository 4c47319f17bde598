"""What every HTML report is: one file that needs nothing else, escaped by Jinja2; its policy says so."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def render(name: str, filters: Mapping[str, Callable[..., Any]], **found: Any) -> str:
    """The page `name`.html.j2 with the style `name`.css inside, which are files of this package.

    The template gets the style and, for its policy, the style's `digest`.
    """
    folder = files(__package__)
    style = folder.joinpath(f"{name}.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= filters
    page = environment.from_string(folder.joinpath(f"{name}.html.j2").read_text("utf-8"))
    return page.render(style=Markup(style), digest=digest, **found)  # our own file
