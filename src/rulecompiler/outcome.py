"""What a compile of a repo came to, against what is on disk."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from rulecompiler import output
from rulecompiler.cache import Cache
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.inputs import Inputs
from rulecompiler.model import RuleSet, Unproven

if TYPE_CHECKING:
    from rulecompiler.forest import Forest
    from rulecompiler.library import Library


class Outcome(NamedTuple):
    """A compile of a repo: what its files should be, against what they are.

    `files` are the texts of the groups that were compiled this time, `unchanged` the names of the
    files that needed no compile, `gone` those whose group has none any more, and `left` those that
    are out of date but were not asked for. `remember` is what a cache may keep once the files are
    as they should be.
    """

    inputs: Inputs
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, str] = MappingProxyType({})
    unchanged: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    rule_sets: Mapping[str, RuleSet] = MappingProxyType({})
    rule_counts: Mapping[str, int] = MappingProxyType({})  # by group id, of all groups with rules
    unproven: tuple[Unproven, ...] = ()
    library: Library | None = None  # None where no template had to be read
    remember: Cache | None = None
    seconds: float = 0.0
    groups: Forest | None = None  # as written, without a cache; otherwise some are headers only

    @property
    def changed(self) -> Mapping[str, str]:
        """The compiled files whose bytes differ from the disk's."""
        return differing(self.files, self.inputs)


def differing(files: Mapping[str, str], inputs: Inputs) -> Mapping[str, str]:
    """Those of the files whose bytes are not the disk's."""
    generated = inputs.generated
    return {
        name: text
        for name, text in files.items()
        if name not in generated or generated[name].digest != output.digest(text)
    }
