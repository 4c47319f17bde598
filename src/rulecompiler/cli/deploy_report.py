"""How a deployment is told: as text, as JSON, as annotations, as markdown for a job's summary."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rulecompiler.cli.output import screen, show, write
from rulecompiler.codes import TITLES
from rulecompiler.deploy.target import Change
from rulecompiler.deploy.transaction import ExitCode, Result, Status, TargetResult
from rulecompiler.diagnostics import Diagnostic, Span
from rulecompiler.document import Locator
from rulecompiler.reporters import located
from rulecompiler.reporters.folding import fold
from rulecompiler.reporters.json_report import as_data
from rulecompiler.terminal import Painter

_SHORT = 12  # digits of a release's id that people need
_SHOWN = 20  # file names in a list
_MARKS = (("+", "green"), ("~", "cyan"), ("-", "red"))
_WORDS = {
    ExitCode.LIVE: "live",
    ExitCode.REFUSED: "refused",
    ExitCode.ROLLED_BACK: "rolled back",
    ExitCode.UNKNOWN: "unknown",
}
_NO_ANSWER = frozenset({"RC812", "RC813", "RC814", "RC819"})
_CLOSING = {
    ExitCode.REFUSED: "nothing was touched, what ran before still runs",
    ExitCode.ROLLED_BACK: "what ran before runs again, verified",
    ExitCode.UNKNOWN: "what runs could not be verified; next: `rulecompiler status`, then deploy again",
}


def cannot_look(faults: tuple[Diagnostic, ...], fmt: str, texts: Mapping[str, str]) -> int:
    """Tells why a command that changes nothing could not do its work; the exit code."""
    show(faults, fmt, texts, Locator(texts).span, titles=TITLES)
    return int(ExitCode.REFUSED)


def report_faults(faults: tuple[Diagnostic, ...], fmt: str, texts: Mapping[str, str]) -> int:
    """Tells why nothing was even tried; the exit code."""
    result = Result(ExitCode.REFUSED, ())
    report_result(result, faults, fmt, texts, dry_run=False)
    return int(result.exit_code)


def report_result(
    result: Result,
    faults: tuple[Diagnostic, ...],
    fmt: str,
    texts: Mapping[str, str],
    *,
    dry_run: bool,
) -> None:
    """Tells how a deployment went; `faults` are those of no single target."""
    locate = Locator(texts).span
    everything = (*faults, *(d for target in result.targets for d in _named(target, result)))
    if fmt == "json":
        write(json.dumps(_data(result, located(everything, locate), dry_run), indent=2) + "\n")
        return
    if fmt == "markdown":
        write(_markdown(result, located(everything, locate), dry_run))
        return
    if fmt == "github":
        show(everything, fmt, texts, locate, titles=TITLES)
        _summarise(_markdown(result, located(everything, locate), dry_run))
    else:
        _show_by_target(result, faults, texts)
    for target in result.targets:
        write("".join(f"{line}\n" for line in plan(target, Painter(screen().color))))
    write(closing(result, dry_run) + "\n")


def closing(result: Result, dry_run: bool) -> str:
    """The last line: what runs now."""
    word = _WORDS[result.exit_code]
    if result.exit_code is ExitCode.REFUSED and _out_of_reach(result):
        return f"{word}: nothing was touched; what runs is not known"
    if result.exit_code is not ExitCode.LIVE:
        return f"{word}: {_CLOSING[result.exit_code]}"
    if dry_run:
        changed = [target.name for target in result.targets if target.status is Status.PLANNED]
        return (
            f"dry run: {', '.join(changed)} would change, nothing was touched"
            if changed
            else "dry run: nothing to do, these rules run already"
        )
    if all(target.status is Status.UNCHANGED for target in result.targets):
        return "live: exactly these rules ran already, nothing was touched"
    written = [target.name for target in result.targets if target.status is Status.WRITTEN]
    live = [target.name for target in result.targets if target.name not in written]
    told = [f"exactly these rules run on {', '.join(live)}"] if live else []
    told += [f"manifests are written for {', '.join(written)}, and run once applied"] if written else []
    return f"{'live' if live else 'written'}: {'; '.join(told)}"


def _out_of_reach(result: Result) -> bool:
    """Whether a server could not be asked what it runs."""
    return any(found.code in _NO_ANSWER for target in result.targets for found in target.diagnostics)


def _show_by_target(result: Result, faults: tuple[Diagnostic, ...], texts: Mapping[str, str]) -> None:
    locate = Locator(texts).span
    if faults:
        show(faults, "text", texts, locate)
    for target in result.targets:
        if target.diagnostics:
            if len(result.targets) > 1:
                write(f"{target.name}:\n")
            show(target.diagnostics, "text", texts, locate)


def _named(target: TargetResult, result: Result) -> Iterator[Diagnostic]:
    """Where all are in one list, each says which of several targets it is about."""
    for found in target.diagnostics:
        several = len(result.targets) > 1
        yield replace(found, message=f"{target.name}: {found.message}") if several else found


def plan(target: TargetResult, paint: Painter) -> Iterator[str]:
    """`prometheus: 1a2b3c4d5e6f → 6f5e4d3c2b1a, live` and the files below it."""
    change = target.change
    looked = bool(target.before or change.added or change.changed or change.removed)
    if target.before == target.release or not looked:
        way = target.release[:_SHORT]
    else:
        way = f"{target.before[:_SHORT] or 'nothing'} → {target.release[:_SHORT]}"
    yield f"{paint(target.name, 'bold')}: {way}, {target.status.value}"
    if target.status is Status.UNCHANGED:
        return
    yield from changed_names(change, paint)
    if change.unchanged:
        yield f"    {change.unchanged:,} unchanged"


def changed_names(change: Change, paint: Painter) -> Iterator[str]:
    """`  + group-web.yml` for what would be added, and so on."""
    lists = (change.added, change.changed, change.removed)
    for (mark, style), names in zip(_MARKS, lists, strict=True):
        for name in names[:_SHOWN]:
            yield paint(f"  {mark} {name}", style)
        if len(names) > _SHOWN:
            yield paint(f"  {mark} and {len(names) - _SHOWN} more", style)


def _data(result: Result, diagnostics: tuple[Diagnostic, ...], dry_run: bool) -> dict[str, object]:
    """Documented in docs/json.md."""
    return {
        "exit_code": int(result.exit_code),
        "status": _WORDS[result.exit_code],
        "dry_run": dry_run,
        "targets": [
            {
                "name": target.name,
                "status": target.status.value,
                "release": target.release,
                "before": target.before,
                "added": list(target.change.added),
                "changed": list(target.change.changed),
                "removed": list(target.change.removed),
                "unchanged": target.change.unchanged,
            }
            for target in result.targets
        ],
        **as_data(fold(diagnostics)),
    }


def _markdown(result: Result, diagnostics: tuple[Diagnostic, ...], dry_run: bool) -> str:
    lines = [f"### Alert rules: {closing(result, dry_run)}"]
    if result.targets:
        lines += ["", "| target | status | release | added | changed | removed |"]
        lines += ["|---|---|---|---|---|---|"]
    for target in result.targets:
        counts = (len(target.change.added), len(target.change.changed), len(target.change.removed))
        cells = (target.name, target.status.value, f"`{target.release}`", *map(str, counts))
        lines.append(f"| {' | '.join(cells)} |")
    if diagnostics:
        lines.append("")
    for entry in fold(diagnostics):
        found = entry.diagnostic
        help_text = f" — {_inline(found.help)}" if found.help else ""
        where = f" (`{found.place.path}:{found.place.line}`)" if isinstance(found.place, Span) else ""
        lines.append(f"- **{found.severity.value} {found.code}**: {_inline(found.message)}{where}{help_text}")
    return "\n".join(lines) + "\n"


def _inline(text: str) -> str:
    """Text of others in one line of markdown, none of it taken for markup."""
    return "".join(f"\\{char}" if char in "\\*_[]<>|#@!" else char for char in " ".join(text.split()))


def _summarise(text: str) -> None:
    """Where GitHub shows a job's result."""
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:  # how the deployment went must not depend on it
        write(f"the job's summary could not be written: {error.strerror}\n")
