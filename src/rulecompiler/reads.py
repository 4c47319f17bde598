"""Files parsed to what they say, each content once for all that asks in one process."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from rulecompiler import compiler, sources
from rulecompiler.cache import Cache
from rulecompiler.compiler import Broken
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Group, Options, Template
from rulecompiler.parallel import map_parallel
from rulecompiler.sources import RawFile

_PARALLEL_FROM = 24  # groups below which starting processes costs more than it saves

TemplateRead = tuple[str, Template | Broken, tuple[Diagnostic, ...]]
GroupRead = tuple[str, Group | None, tuple[Diagnostic, ...]]


class Reads:
    """Remembers what was read by path and content, for two sides of a comparison, and from run to run."""

    def __init__(self) -> None:
        self._templates: dict[tuple[str, str, str], TemplateRead] = {}
        self._groups: dict[tuple[str, str], GroupRead] = {}

    def template(self, options: Options, raw: RawFile, old: Cache | None = None) -> TemplateRead:
        """The template of a file; what was good in the last good compile, `old`, is not judged again."""
        key = (raw.path, raw.digest, options.templates)  # the folder decides about the name
        found = self._templates.get(key)
        if found is None:
            found = read_template(options, raw) if old is None else _known_template(options, raw, old)
            self._templates[key] = found
        return found

    def groups(self, files: Collection[RawFile], jobs: int) -> list[GroupRead]:
        """The groups of these files, in order."""
        wanted = {(raw.path, raw.digest): raw for raw in files}
        unread = [raw for key, raw in wanted.items() if key not in self._groups]
        for raw, read in zip(unread, map_parallel(read_group, unread, jobs, _PARALLEL_FROM), strict=True):
            self._groups[raw.path, raw.digest] = read
        return [self._groups[raw.path, raw.digest] for raw in files]

    def keep(self, files: Collection[RawFile]) -> None:
        """Forgets all but these: whoever reads for days must not gather every state there ever was."""
        wanted = {(raw.path, raw.digest) for raw in files}
        self._templates = {k: v for k, v in self._templates.items() if k[:2] in wanted}
        self._groups = {k: v for k, v in self._groups.items() if k in wanted}


def read_template(options: Options, raw: RawFile) -> TemplateRead:
    """The template of a file with its path and faults, or by which names it would be known."""
    source = sources.decode(raw)
    if isinstance(source, Diagnostic):
        name = compiler.template_name(raw.path, options)
        return raw.path, Broken(frozenset((name, PurePosixPath(name).name))), (source,)
    return raw.path, *compiler.read_template(source, options)


def _known_template(options: Options, raw: RawFile, old: Cache) -> TemplateRead:
    known = old.files.get(raw.path)
    if known is not None and known.digest == raw.digest and "requires" in known.header:
        source = sources.decode(raw)
        template = None if isinstance(source, Diagnostic) else compiler.reread_template(source, options)
        if template is not None:
            return raw.path, template, known.warnings
    return read_template(options, raw)


def read_group(raw: RawFile) -> GroupRead:
    """The group of a file with its path and faults; None where it cannot be read."""
    source = sources.decode(raw)
    if isinstance(source, Diagnostic):
        return raw.path, None, (source,)
    return raw.path, *compiler.read_group(source)
