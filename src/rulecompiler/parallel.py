"""The same work for many items, on every core where that pays."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

# Children inherit these by fork, so that neither the function nor what it closes over is pickled.
_work: Callable[[Any], Any] | None = None
_items: Sequence[Any] = ()
_interrupted = False  # in a worker


def cores() -> int:
    """How many processes can run at once here."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_parallel(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    jobs: int,
    at_least: int,
    progress: Callable[[int, int], None] | None = None,
) -> list[_Result]:
    """`[function(item) for item in items]`, in order, by `jobs` processes.

    Fewer than `at_least` items are done here, and all are where processes cannot be forked. What
    the function remembers between items is lost. Raises what the function raises. What a killed
    worker leaves undone, or one that cannot be started, is done here.
    """
    if jobs < 2 or len(items) < at_least or not _can_fork():
        return _rest(function, items, [], progress)
    # Neither is wanted where there is little to do, and they take time to import.
    import multiprocessing
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    global _work, _items
    _work, _items = function, items
    results: list[_Result] = []
    try:
        # Several runs a worker even out their sizes; items in a run share what is remembered.
        size = max(1, -(-len(items) // (jobs * 4)))
        starts = range(0, len(items), size)
        context = multiprocessing.get_context("fork")
        workers = min(jobs, len(starts))
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_live_with_parent) as pool:
            for run in pool.map(_run, [(start, start + size) for start in starts]):
                results.extend(run)
                if progress is not None:
                    progress(len(results), len(items))
    except (BrokenExecutor, OSError):  # killed, perhaps for want of memory; or no process to be had
        return _rest(function, items, results, progress)
    finally:
        _work, _items = None, ()
    return results


def _rest(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    results: list[_Result],
    progress: Callable[[int, int], None] | None,
) -> list[_Result]:
    """The results so far and those of the other items, done in this process."""
    for item in items[len(results) :]:
        results.append(function(item))
        if progress is not None:
            progress(len(results), len(items))
    return results


def _live_with_parent() -> None:
    """Makes a worker end with its parent, and without a word when both are interrupted."""
    import multiprocessing
    import signal
    import threading

    signal.signal(signal.SIGINT, _remember_interrupt)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        # Nothing else would end it when the parent is killed, and it holds the parent's lock.
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _remember_interrupt(*_: object) -> None:
    global _interrupted
    _interrupted = True


def _run(bounds: tuple[int, int]) -> list[Any]:
    assert _work is not None
    results: list[Any] = []
    for item in _items[slice(*bounds)]:
        if _interrupted:  # raised here it reaches the parent; anywhere else it would print a traceback
            raise KeyboardInterrupt
        results.append(_work(item))
    return results


def _can_fork() -> bool:
    # A forked child of macOS may crash in system libraries.
    return hasattr(os, "fork") and sys.platform != "darwin"
