"""What the settings promise that a check must know."""

from __future__ import annotations

from typing import NamedTuple


class Options(NamedTuple):
    """`prometheus_version` is the oldest server that must load the output, as (major, minor)."""

    prometheus_version: tuple[int, int] = (2, 42)
