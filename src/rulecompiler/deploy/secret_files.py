"""Secrets in files, as Kubernetes, systemd and Docker hand them out."""

from __future__ import annotations

import errno
import os
import stat
from typing import NamedTuple

_MAX_BYTES = 65_536


class Unreadable(NamedTuple):
    """Why a file gives no secret; never what is in it."""

    reason: str


def read_secret(path: str) -> str | Unreadable:
    """The text of a file without the line break at its end."""
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        return Unreadable(_told(error))
    if len(data) > _MAX_BYTES:
        return Unreadable(f"has more than {_MAX_BYTES:,} bytes")
    try:
        text = data.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return Unreadable("is not UTF-8")
    return text or Unreadable("is empty")


def why_unreadable(path: str) -> str:
    """What keeps this process from reading a file; empty if nothing does."""
    try:
        _read(path)
    except (OSError, ValueError) as error:
        return _told(error)
    return ""


def _read(path: str) -> bytes:
    """As much of a regular file as a secret may have, and a byte more."""
    # A pipe that nobody writes to would be waited for without an end.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def _told(error: OSError | ValueError) -> str:
    # A ValueError is about the path, which may be a secret that stands in the wrong variable.
    reason = error.strerror if isinstance(error, OSError) else "it is no path"
    return f"cannot be read: {reason}"
