"""The rounds of `rulecompiler watch`: wait, see what was saved, compile, print."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rulecompiler.cli.compile_command import file_changes, judge, summary
from rulecompiler.cli.output import screen, show_unplaced
from rulecompiler.cli.progress import on_terminal
from rulecompiler.cli.watch_screen import paint, print_block, say
from rulecompiler.cli.working_plan import plan_from, plan_lines, read_base, why_no_plan
from rulecompiler.codes import TITLES
from rulecompiler.diagnostics import Diagnostic, Severity, has_errors
from rulecompiler.document import Locator
from rulecompiler.git_sources import MAIN_BRANCHES
from rulecompiler.inputs import SETTINGS_FILE, Inputs, read_inputs
from rulecompiler.reads import Reads
from rulecompiler.reporters import located, report
from rulecompiler.state_folder import locked
from rulecompiler.terminal import visible
from rulecompiler.watching_files import FileWatch, GitState, look
from rulecompiler.workspace import compile_repo
from rulecompiler.workspace import write as write_files

if TYPE_CHECKING:
    from rulecompiler.cli.watch_command import Ending
    from rulecompiler.outcome import Outcome
    from rulecompiler.two_sides import Named

_QUIET_SECONDS = 0.05
_GIT_SECONDS = 5.0
_ONE_EDIT = 2  # entries that differ when one file was saved: the old one and the new one
_MOST_NAMES = 5
_UNREADABLE = "\0"
_OF_THE_OUTPUT = frozenset({"RC701", "RC702", "RC703"})
State = Mapping[str, str]


class Watching:
    """One repo that is watched; `ref` is the base of the plan, None the merge base."""

    def __init__(self, root: Path, ref: str | None, dry_run: bool, jobs: int, ending: Ending) -> None:
        self._root, self._ref, self._dry_run, self._jobs = root, ref, dry_run, jobs
        self._ending = ending
        self._files, self._git = FileWatch(), GitState(root)
        self._refs = (ref,) if ref is not None else MAIN_BRANCHES
        self._reads = Reads()
        self._base: Named | Diagnostic | None = None
        self._state: State = {}
        self._glance: object = None
        self._inputs: Inputs | None = None
        self._again = False  # nothing was compiled, but not for want of a change

    def run(self) -> None:
        """Compiles now, and again after each change; ends by KeyboardInterrupt alone."""
        what = f"watching {visible(self._root.name)}: compiled on save, Ctrl-C ends"
        while True:
            self._round(what)
            gc.collect()  # the frame turned it off, for commands that end
            what = self._next()

    def _next(self) -> str:
        """Waits, and says what changed."""
        told = self._files.trouble
        while True:
            self._files.wait(self._folders(), self._changed)
            if self._files.trouble != told:
                told = self._files.trouble
                show_unplaced((_no_notices(told),))
            glance = self._look_at_glance()
            self._settle()
            state = _state(self._look())
            what = _saved(self._state, state)
            if glance != self._glance:
                self._glance = glance
                what = "; ".join(filter(None, (what, self._moved())))
            if self._again:
                what = what or "trying again"
            if what:
                return what

    def _changed(self, thorough: bool) -> bool:
        if self._ending.is_wanted:
            raise KeyboardInterrupt
        return (
            self._again
            or self._look_at_glance() != self._glance
            or (thorough and _state(self._look()) != self._state)
        )

    def _look_at_glance(self) -> object:
        return self._git.stamp(self._refs), look(self._root / SETTINGS_FILE)

    def _look(self) -> Inputs:
        known = self._inputs.settings_file if self._inputs is not None else None
        return read_inputs(self._root, os.environ, known)

    def _settle(self) -> None:
        """Waits for whoever changes many files: for git, to the end of its work."""
        deadline = time.monotonic() + _GIT_SECONDS
        state = _state(self._look())
        while time.monotonic() < deadline:
            if not self._git.is_busy() and len(self._state.items() ^ state.items()) <= _ONE_EDIT:
                return
            time.sleep(_QUIET_SECONDS)
            before, state = state, _state(self._look())
            if before == state and not self._git.is_busy():
                return

    def _moved(self) -> str:
        """Reads the base anew where git moved; what to say if it is another one."""
        assert self._inputs is not None, "the first round reads them"
        before = self._base
        self._base = read_base(self._root, self._ref, self._inputs)
        if _name(before) == _name(self._base):
            return ""
        return "git moved: the base is another one"

    def _folders(self) -> list[Path]:
        """The folders to watch: those of the settings, and those that links in them lead to."""
        assert self._inputs is not None, "the first round reads them"
        settings = self._inputs.settings
        folders = {self._root / settings.templates, self._root / settings.groups}
        real = tuple(f"{os.path.realpath(folder)}{os.sep}" for folder in folders)
        for file in (*self._inputs.templates, *self._inputs.groups):
            path = os.path.realpath(self._root / file.path)
            if not path.startswith(real):
                folders.add(Path(path).parent)
        return sorted(folders)

    def _round(self, what: str) -> None:
        """Compiles and prints what came of it."""
        self._again = False
        glance = self._look_at_glance()
        if self._base is not None and glance != self._glance:
            self._moved()  # git saves files first, and moves then
        self._glance = glance
        with contextlib.ExitStack() as stack:
            if not self._dry_run:
                fault = stack.enter_context(locked(self._root, 0.0))
                if fault is not None and fault.code == "RC709":
                    say("another compile of this repo is running: waiting for it")
                    fault = stack.enter_context(locked(self._root))
                    self._again = fault is not None
                if fault is not None:
                    self._inputs = self._look()
                    self._state = _state(self._inputs)
                    show_unplaced((fault,))
                    return
            with on_terminal("compiling") as progress:
                outcome = compile_repo(
                    self._root, os.environ, jobs=self._jobs, progress=progress, reads=self._reads
                )
            self._inputs = outcome.inputs
            self._state = _state(outcome.inputs)
            faults = outcome.diagnostics
            if not has_errors(faults):
                faults = (*faults, *judge(outcome, None))
            changes = []
            if not has_errors(faults):
                changes = file_changes(outcome)
                fault = None if self._dry_run else write_files(outcome)
                faults = faults if fault is None else (*faults, fault)
        found = _in_text(faults, outcome)
        if has_errors(faults):
            print_block(what, found, "Nothing was written.\n", "`rulecompiler validate` shows all")
            return
        plan, foot = self._plan(outcome.inputs)
        foot += summary(outcome, changes, self._dry_run)
        # Warnings are there at every save; the plan is what was waited for.
        print_block(what, plan + found, foot, "`rulecompiler compile -n --plan` shows all")

    def _plan(self, inputs: Inputs) -> tuple[str, str]:
        """The plan, and the lines that sum it up."""
        if self._base is None:
            self._base = read_base(self._root, self._ref, inputs)
        known = (*inputs.templates, *inputs.groups)
        if not isinstance(self._base, Diagnostic):
            known += (*self._base.inputs.templates, *self._base.inputs.groups)
        self._reads.keep(known)
        if isinstance(self._base, Diagnostic):
            return "", paint()(why_no_plan(self._base), "dim") + "\n"
        plan = plan_from(self._base, inputs, self._jobs, self._reads)
        text = plan_lines(plan, paint())
        body, mark, foot = text.rpartition(paint()(plan.summary, "bold"))
        return (body, mark + foot) if mark else ("", text)


def _in_text(faults: tuple[Diagnostic, ...], outcome: Outcome) -> str:
    """The diagnostics with excerpts of the files that were read."""
    if not faults:
        return ""
    texts = outcome.inputs.texts
    color, width = screen()
    placed = located(faults, Locator(texts).span)
    return report(placed, "text", texts, color=color, width=width, titles=TITLES)


def _state(inputs: Inputs) -> State:
    """What lies on disk as far as it counts: digests by path, and what cannot be read."""
    state = {file.path: file.digest for file in (*inputs.templates, *inputs.groups)}
    if inputs.settings_file is not None:
        state[SETTINGS_FILE] = inputs.settings_file.digest
    elif SETTINGS_FILE in inputs.texts:
        state[SETTINGS_FILE] = inputs.texts[SETTINGS_FILE]
    faults = (d for d in inputs.diagnostics if d.code not in _OF_THE_OUTPUT)
    return state | {f"{_UNREADABLE}{d}": d.place.path if d.place is not None else "" for d in faults}


def _saved(old: State, new: State) -> str:
    """`saved a, b; removed c`; empty where nothing is other."""
    saved = [path for path in new if old.get(path) != new[path] and not path.startswith(_UNREADABLE)]
    removed = [path for path in old if path not in new and not path.startswith(_UNREADABLE)]
    said = [f"{verb} {_listed(paths)}" for verb, paths in (("saved", saved), ("removed", removed)) if paths]
    if not said and old != new:
        return "other files can be read now than before"
    return "; ".join(said)


def _listed(paths: list[str]) -> str:
    names = ", ".join(visible(path) for path in sorted(paths)[:_MOST_NAMES])
    more = len(paths) - _MOST_NAMES
    return f"{names} and {more:,} more" if more > 0 else names


def _name(base: Named | Diagnostic | None) -> object:
    return base if base is None or isinstance(base, Diagnostic) else base.name


def _no_notices(why: str) -> Diagnostic:
    return Diagnostic(
        "RC770",
        f"the system gives no notices of changed files: {' '.join(visible(why).split())[:200]}",
        help="they are looked for again and again instead; on Linux, raise `fs.inotify.max_user_watches`",
        severity=Severity.WARNING,
    )
