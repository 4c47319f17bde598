"""YAML as data with positions: `parse` reads a file, a `Locator` finds places in it again."""

from rulecompiler.document.aliases import MAX_EXPANDED
from rulecompiler.document.positions import MAX_DEPTH, Locator
from rulecompiler.document.reader import parse

__all__ = ["MAX_DEPTH", "MAX_EXPANDED", "Locator", "parse"]
