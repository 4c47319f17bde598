"""What is known of the labels of a set of series, and how that changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

NAME = "__name__"


class Flow(NamedTuple):
    """What is known of the series of a result.

    `sure` labels are on every series; `only` is all that can be there, None for anything but
    `never`; `fixed` labels have one value on every series. The metric's name is the label
    `__name__`. `filters`: whether a series is there only if some condition holds, as behind a
    comparison. `empty`: there is never any series.
    """

    sure: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()
    fixed: Mapping[str, str] = MappingProxyType({})
    filters: bool = False
    empty: bool = False

    def may(self, label: str) -> bool:
        """Whether some series may have the label."""
        return label not in self.never if self.only is None else label in self.only

    def keeping(self, labels: Iterable[str]) -> Flow:
        """Without all labels but these."""
        kept = frozenset(labels)
        return self._replace(
            sure=self.sure & kept,
            only=frozenset(label for label in kept if self.may(label)),
            never=frozenset(),
            fixed={k: v for k, v in self.fixed.items() if k in kept},
        )

    def dropping(self, *labels: str) -> Flow:
        """Without these labels."""
        gone = frozenset(labels)
        return self._replace(
            sure=self.sure - gone,
            only=None if self.only is None else self.only - gone,
            never=self.never | gone if self.only is None else self.never,
            fixed={k: v for k, v in self.fixed.items() if k not in gone},
        )

    def setting(self, label: str, *, sure: bool = False) -> Flow:
        """With a label that may be there afterwards, or surely is, whatever its value."""
        return self._replace(
            sure=self.sure | {label} if sure else self.sure - {label},
            only=None if self.only is None else self.only | {label},
            never=self.never - {label},
            fixed={k: v for k, v in self.fixed.items() if k != label},
        )

    def either(self, other: Flow) -> Flow:
        """The series of both."""
        only = None if self.only is None or other.only is None else self.only | other.only
        gone = {label for label in self.never | other.never if not self.may(label) and not other.may(label)}
        return Flow(
            self.sure & other.sure,
            only,
            frozenset(gone) if only is None else frozenset(),
            {k: v for k, v in self.fixed.items() if other.fixed.get(k) == v},
            self.filters and other.filters,
            self.empty and other.empty,
        )

    def matched(self, other: Flow, on: frozenset[str] | None, ignored: frozenset[str]) -> Flow:
        """Those series that have a partner among the others.

        Partners have the same values of the labels `on`, or of all but `ignored` where it is None.
        """

        def counts(label: str) -> bool:
            return label != NAME and (label not in ignored if on is None else label in on)

        sure = self.sure | {label for label in other.sure if counts(label)}
        only = self.only
        if on is None and other.only is not None:
            shared = other.only | ignored | {NAME}
            only = frozenset(
                label for label in (shared if only is None else only & shared) if self.may(label)
            )
        gone = {
            label for label in (other.never if on is None else on) if counts(label) and not other.may(label)
        }
        return self._replace(
            sure=sure,
            only=None if only is None else (only | sure) - gone,
            never=self.never | gone if only is None else frozenset(),
            fixed={k: v for k, v in other.fixed.items() if counts(k)} | dict(self.fixed),
        )


ANYTHING = Flow()
NOTHING = Flow(only=frozenset())
