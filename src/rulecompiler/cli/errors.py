"""The one error boundary: whatever a command raises becomes an exit code and a few clear words."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable

import click

from rulecompiler import __version__

OK = 0
FAULTS = 1  # the user's input is at fault
BUG = 3
INTERRUPTED = 130
BROKEN_PIPE = 141  # as a shell reports a program that a closed pipe ended

# What the machine refuses is neither the compiler's bug nor worth a traceback.
_REFUSED = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)


def guarded(run: Callable[[], object]) -> int:
    """Call `run` and give the process's exit code; an int that it returns is the code."""
    _never_fail_to_encode()
    try:
        code = run()
        _flush()
        return code if isinstance(code, int) else OK
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in _REFUSED:
            return report_bug(error)
        _discard_output()
        where = f": {os.fsdecode(error.filename)!r}" if isinstance(error.filename, str | bytes) else ""
        _say(f"error: {error.strerror}{where}")
        return FAULTS
    except Exception as error:
        return report_bug(error)


def _never_fail_to_encode() -> None:
    """A terminal that lacks a character gets its escape sequence, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not when a caller has put another kind of stream there
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    # Now, while a failure can still be told; the interpreter's own flush at exit is too late.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _discard_output() -> None:
    """What is still buffered for a stream that nobody reads must not fail again at exit."""
    # Where the stream is closed, or no file at all, nothing is left to go wrong.
    with contextlib.suppress(OSError, AttributeError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # stderr may be gone as well: the exit code has to do
        print(f"rulecompiler: {text}", file=sys.stderr)


def report_bug(error: BaseException) -> int:
    """Say what to report and give the exit code; the traceback goes to a file, where it frightens nobody."""
    import platform
    import shlex
    import traceback

    facts = (
        f"  rulecompiler {__version__}, {platform.python_implementation()} {platform.python_version()},"
        f" {platform.platform()}\n"
        f"  command: {shlex.join(['rulecompiler', *sys.argv[1:]])}\n"
    )
    trace = "".join(traceback.format_exception(error))
    what = traceback.format_exception_only(error)[-1].strip().partition("\n")[0]
    if os.environ.get("RULECOMPILER_TRACEBACK", "") not in ("", "0"):
        saved = trace
    else:
        saved = f"  traceback: {_save(f'{facts}{chr(10)}{trace}')}\n"
    _say(
        f"internal error: {what}\n"
        "This is a bug in rulecompiler, not a fault in your files. Please report it with:\n"
        f"{facts}{saved}"
        "RULECOMPILER_TRACEBACK=1 shows the traceback here."
    )
    return BUG


def _save(text: str) -> str:
    import tempfile

    try:
        handle, path = tempfile.mkstemp(prefix="rulecompiler-crash-", suffix=".txt")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as error:
        return f"could not be saved ({error.strerror}); run again with RULECOMPILER_TRACEBACK=1"
    return path
