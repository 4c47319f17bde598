"""What a deployment asks of one target, whatever kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic


class Consent(NamedTuple):
    """What somebody has said may happen."""

    alert_reset: bool = False  # active alerts may start over
    empty: bool = False  # all that runs may go, and nothing at all may follow
    drift: bool = False  # what others changed or put in the way may be overwritten


class Change(NamedTuple):
    """What would be different: names of files, or of groups where a target knows no files."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be different."""
        return not (self.added or self.changed or self.removed)


NO_CHANGE = Change((), (), (), 0)


def change_between(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Change:
    """Which files differ."""
    return Change(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(name for name in new.keys() & old.keys() if new[name] != old[name])),
        tuple(sorted(old.keys() - new.keys())),
        sum(old.get(name) == data for name, data in new.items()),
    )


class Preflight(NamedTuple):
    """What a target says before it is touched.

    With errors it refuses; with neither errors nor a change, the release is live already. `live` is
    the id of the release that runs, "" where that cannot be known.
    """

    diagnostics: tuple[Diagnostic, ...]
    change: Change
    live: str


class Deployer(Protocol):
    """One target on its way from what runs to what should run, or back.

    Opened by `preflight`, ended by `close`. Nothing outside makes it raise: faults are diagnostics.
    """

    target: Target

    @property
    def touched(self) -> bool:
        """Whether something was changed that `revert` would have to take back."""

    @property
    def uncertain(self) -> bool:
        """Whether what runs is unknown, although this run touched nothing."""

    def preflight(self, release: Release, consent: Consent, *, dry_run: bool) -> Preflight:
        """Looks at the target and at what would change; a dry run does not even take the lock."""

    def apply(self) -> tuple[Diagnostic, ...]:
        """Stages, switches, tells the server, verifies. After an error, the caller reverts."""

    def observe(self, intervals: int) -> tuple[Diagnostic, ...]:
        """Waits for evaluations of what changed; an error is a rule that failed and did not before."""

    def revert(self) -> tuple[Diagnostic, ...]:
        """Back to what ran before, verified; an error means that it is not known what runs."""

    def commit(self) -> tuple[Diagnostic, ...]:
        """Forgets the way back."""

    def close(self) -> None:
        """Gives back whatever is held, however far it came."""
