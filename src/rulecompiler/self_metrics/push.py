"""Metrics pushed to a Pushgateway, for jobs that leave no file behind."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import httpx

_TIMEOUT_SECONDS = 5.0


def push(url: str, text: str, grouping: Mapping[str, str]) -> str:
    """Sends an exposition; what went wrong, empty if nothing. Credentials may stand in the URL.

    A POST replaces the metrics that it names and leaves the group's others: a deploy does not know what a
    drift check found. Source: https://github.com/prometheus/pushgateway#url.
    """
    path = "".join(f"/{name}/{quote(value, safe='')}" for name, value in grouping.items())
    try:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.post(
                f"{url.rstrip('/')}/metrics{path}",
                content=text.encode(),
                headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
            )
    except httpx.TimeoutException:
        return f"no answer within {_TIMEOUT_SECONDS:g} seconds"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Not the error's text, which may repeat the URL.
        return f"no connection ({type(error).__name__})"
    return "" if answer.is_success else f"the answer was {answer.status_code}"
