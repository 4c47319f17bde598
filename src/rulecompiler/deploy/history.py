"""The releases that are kept beside a server, and which of them came before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rulecompiler.deploy.journal import Deployment, State, read_state
from rulecompiler.deploy.layout import Layout, StoredRelease
from rulecompiler.deploy.opening import layout_of
from rulecompiler.deploy.release import Release
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic

_LONGEST_HISTORY = 100  # entries


class Kept(NamedTuple):
    """A release that a rollback can go to."""

    release: str
    files: int
    commit: str
    deployed_at: str  # RFC 3339; empty if it never was, or that is not known
    live: bool


def kept(target: Target) -> tuple[Kept, ...] | Diagnostic:
    """The releases of a target, the one deployed last first."""
    layout = layout_of(target)
    state = read_state(layout.folder)
    if isinstance(state, Diagnostic):
        return state
    live = layout.live().release
    times: dict[str, str] = {}
    for entry in state.history:
        times.setdefault(entry.release, entry.at)
    found = [
        Kept(each.id, each.files, each.commit, times.get(each.id, ""), each.id == live)
        for each in layout.stored()
    ]
    order = {release: number for number, release in enumerate(times)}
    return tuple(sorted(found, key=lambda each: (not each.live, order.get(each.release, len(order)))))


def earlier(target: Target, wanted: str | None) -> Release | Diagnostic:
    """The release that begins with `wanted`, or else the one that ran before; its bytes are checked."""
    if target.kind != "prometheus":
        return Diagnostic(
            "RC859",
            f"the target {target.name} is of kind {target.kind}, beside which no releases are kept",
            help="revert the commit and deploy again, or choose other targets with --target",
        )
    found = kept(target)
    if isinstance(found, Diagnostic):
        return found
    if wanted is None:
        chosen = [each for each in found if each.deployed_at and not each.live][:1]
        problem = "no earlier release"
    else:
        chosen = [each for each in found if each.release.startswith(wanted.lower())]
        problem = (
            f"no release {wanted!r}" if not chosen else f"more than one release that begins with {wanted!r}"
        )
    if len(chosen) != 1:
        return Diagnostic(
            "RC859",
            f"there is {problem} in `{target.path}`",
            help="`rulecompiler releases` lists what is kept; otherwise revert the commit and deploy again",
        )
    return layout_of(target).load(chosen[0].release)


def taken_over(state: State, layout: Layout, release: str, at: str) -> State:
    """The state once a release was made of what lies on the disk, which others have changed.

    Earlier releases that are not whole any more are forgotten: what was changed may be theirs.
    """
    whole = (entry for entry in state.history if isinstance(layout.load(entry.release), Release))
    return state._replace(live=release, history=(Deployment(release, at, ""), *whole))


def recorded(
    state: State, stored: Sequence[StoredRelease], live: str | None, at: str, commit: str, keep: int
) -> tuple[tuple[Deployment, ...], tuple[str, ...]]:
    """The history with what is live now, and the releases that stay: that one and `keep` earlier ones.

    Those that the history does not know, as it was lost, come last.
    """
    history = state.history
    if live is not None and live != state.live:
        history = (Deployment(live, at, commit), *history)
    known = dict.fromkeys([live, *(entry.release for entry in history), *(each.id for each in stored)])
    stay = tuple(release for release in known if release is not None)[: keep + 1]
    return tuple(entry for entry in history if entry.release in stay)[:_LONGEST_HISTORY], stay
