"""Where a Prometheus answers on a host, when it does not answer under the path of its URL."""

from __future__ import annotations

import re

from rulecompiler.deploy.exchange import Answer, Exchanger

_READY = "/-/ready"
_MOST_BYTES = 64 * 1024
_MOST_TRIES = 6
# What is fit to be shown as part of a URL, whoever said it.
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)+")


def find_prefix(exchanger: Exchanger, seconds: float) -> str | None:
    """The URL under which Prometheus answers, on the host and port of this one; None if nowhere.

    Without its prefix, a path is a 404, but for the root, which redirects to the prefix
    (`--web.route-prefix`, or the path of `--web.external-url`). With a prefix too many, or a page's
    path, as copied from a browser, a part of it may be right.
    """
    parts = exchanger.prefix.split("/")
    candidates = ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    answer = exchanger.ask("GET", "/", seconds=seconds, most_bytes=_MOST_BYTES, from_root=True)
    location = answer.headers.get("location", "").rstrip("/") if isinstance(answer, Answer) else ""
    if _PREFIX.fullmatch(location):
        candidates.append(location)
    for prefix in candidates[:_MOST_TRIES]:
        if prefix == exchanger.prefix:
            continue
        answer = exchanger.ask(
            "GET", prefix + _READY, seconds=seconds, most_bytes=_MOST_BYTES, from_root=True
        )
        if isinstance(answer, Answer) and answer.status in (200, 503) and "Prometheus" in answer.text:
            return exchanger.origin + prefix
    return None
