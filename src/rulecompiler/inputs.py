"""What lies in a repo, read from disk and not yet parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from rulecompiler import output, settings, sources
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.model import Options, Source
from rulecompiler.output import OutputFile
from rulecompiler.settings import Settings
from rulecompiler.sources import RawFile

SETTINGS_FILE = "rulecompiler.yaml"


class SettingsFile(NamedTuple):
    """What a settings file with this digest says, before the environment is heard."""

    digest: str
    settings: Settings


class SourceTexts(Mapping[str, str]):
    """The texts of all files that were read, decoded when a report shows them."""

    def __init__(self, files: Iterable[RawFile]) -> None:
        self._files = {file.path: file for file in files}

    def __getitem__(self, path: str) -> str:
        decoded = sources.decode(self._files[path])
        if isinstance(decoded, Source):
            return decoded.text
        return self._files[path].data.decode("utf-8", "replace")

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class Inputs(NamedTuple):
    """What lies in the repo, not yet parsed: settings, templates, groups, and what is generated."""

    root: Path
    settings: Settings
    templates: tuple[RawFile, ...]
    groups: tuple[RawFile, ...]
    generated: Mapping[str, OutputFile]
    texts: SourceTexts
    settings_file: SettingsFile | None
    diagnostics: tuple[Diagnostic, ...]

    @property
    def options(self) -> Options:
        """The part of the settings that the compiler needs."""
        chosen = self.settings
        return Options(chosen.templates, chosen.alert_names, chosen.prometheus_version)

    @property
    def key(self) -> str:
        """A key of everything that the compiled files depend on."""
        parts = [repr(self.options)]
        for file in (*self.templates, *self.groups):
            parts += (file.path, file.digest)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def find_root(start: Path) -> Path | None:
    """The repo that a folder belongs to: the nearest one up with settings or an `alerts` folder, if any."""
    for marker in (SETTINGS_FILE, "alerts"):
        for folder in (start, *start.parents):
            if (folder / marker).exists():
                return folder
    return None


def read_inputs(root: Path, environ: Mapping[str, str], known: SettingsFile | None = None) -> Inputs:
    """Reads the repo's files; what cannot be read is in `diagnostics`.

    `known` saves parsing the settings where their file is still the same.
    """
    faults: list[Diagnostic] = []
    raw: RawFile | None = None
    written: SettingsFile | None = None
    if (root / SETTINGS_FILE).exists() or (root / SETTINGS_FILE).is_symlink():
        found = sources.read(root, SETTINGS_FILE)
        if isinstance(found, Diagnostic):
            faults.append(found)
        else:
            raw = found
            written = (
                known if known is not None and known.digest == raw.digest else read_settings(raw, faults)
            )
    chosen, more = settings.overridden(written.settings if written is not None else Settings(), environ)
    faults.extend(more)
    files, still_more = sources.scan(root, (chosen.templates, chosen.groups))
    faults.extend(still_more)
    generated, foreign = output.scan(root, chosen.generated)
    faults.extend(foreign)
    prefix = chosen.templates + "/"
    return Inputs(
        root,
        chosen,
        tuple(f for f in files if f.path.startswith(prefix)),
        tuple(f for f in files if not f.path.startswith(prefix)),
        generated,
        SourceTexts([*files, *([raw] if raw is not None else [])]),
        written,
        tuple(faults),
    )


def read_settings(raw: RawFile, faults: list[Diagnostic]) -> SettingsFile | None:
    """What a settings file says; its faults are added to `faults`, and None if one is an error."""
    # PyYAML and the schemas cost 40 ms, which an unchanged repo need not pay.
    from rulecompiler import document

    source = sources.decode(raw)
    if isinstance(source, Diagnostic):
        faults.append(source)
        return None
    if all(line.lstrip().startswith("#") or not line.strip() for line in source.text.splitlines()):
        return SettingsFile(raw.digest, Settings())
    parsed, own = document.parse(source)
    faults.extend(own)
    if parsed is None:
        return None
    chosen, more = settings.read(parsed)
    faults.extend(more)
    return SettingsFile(raw.digest, chosen) if chosen is not None else None
