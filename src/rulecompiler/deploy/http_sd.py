"""The answer of an HTTP service discovery, as Prometheus' `http_sd_configs` gets it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from rulecompiler.deploy.exchange import Exchanger, Trouble
from rulecompiler.deploy.settings import Credentials
from rulecompiler.diagnostics import Diagnostic

_MOST_BYTES = 256 * 2**20


def fetch(url: str, seconds: float) -> tuple[str, str] | Diagnostic:
    """The text of the answer, and the URL as it may be shown; RC745 and RC810 to RC816 if there is none.

    No credentials are sent: those of the environment are for Prometheus. All may take `seconds`.
    """
    base, _, query = url.partition("?")
    exchanger = Exchanger(base, Credentials())
    try:
        answer = exchanger.ask(
            "GET",
            "/" if base.endswith("/") else "",
            dict(parse_qsl(query, keep_blank_values=True)) if query else None,
            seconds=seconds,
            most_bytes=_MOST_BYTES,
        )
    finally:
        exchanger.close()
    if isinstance(answer, Trouble):
        return replace(answer.fault, help=f"see whether it answers: `curl -i {exchanger.url}`")
    if answer.status != 200:
        return Diagnostic(
            "RC745",
            f"{exchanger.url} answers with HTTP status {answer.status}",
            help=f"see what it says: `curl -i {exchanger.url}`",
        )
    return answer.text, exchanger.url
