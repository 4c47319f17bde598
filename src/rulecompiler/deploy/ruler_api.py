"""The ruler API of Grafana Mimir and Cortex: the rule groups of one namespace of one tenant.

Sources: the ruler section of Mimir's HTTP API reference (docs/sources/mimir/references/http-api) and
of Cortex' (docs/api). Both list a namespace as `{namespace: [groups]}`, take one group a POST, and
answer 202 to a write, which is then stored, though not evaluated yet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

from rulecompiler.deploy import running
from rulecompiler.deploy.exchange import Answer, Exchanger, Method, Trouble
from rulecompiler.deploy.rule_groups import Group, read_namespaces
from rulecompiler.deploy.settings import Target
from rulecompiler.diagnostics import Diagnostic
from rulecompiler.yaml_scalar import flow

_TIMEOUT_SECONDS = 30.0
_MOST_BYTES = 256 * 2**20
_DELAYS_SECONDS = (1.0, 2.0, 4.0)
# A ruler may ask for more patience than a deployment should have.
_LONGEST_DELAY_SECONDS = 30.0
_WORTH_A_RETRY = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_NO_GROUPS = "no rule group"  # in a 404 that is about groups; one about the path says something else
_MIMIR = "/config/v1/rules"
_RUNNING = "/api/v1/rules"
_URLS = "end `url` with Mimir's Prometheus prefix (/prometheus), or for Cortex with /api/v1/rules"


def is_usable(name: str) -> bool:
    """Whether a namespace or group may have this name: rulers refuse what looks like a path out of theirs.

    Nor is a name taken that a proxy on the way might take for a step in the path.
    """
    return name not in ("", ".") and not name.startswith("/") and ".." not in name.split("/")


class RulerApi:
    """One namespace of one tenant; no other is ever read or written."""

    def __init__(self, target: Target, sleep: Callable[[float], None] = time.sleep) -> None:
        if not is_usable(target.namespace):  # without it, a DELETE would be one of everything
            raise ValueError(f"no namespace: {target.namespace!r}")
        self._exchanger = Exchanger(target.url, target.credentials)
        self.url = self._exchanger.url  # fit to be shown
        rules, self._running_path = _paths(self._exchanger.prefix)
        self._namespace = target.namespace
        self._path = f"{rules}/{quote(target.namespace, safe='')}"
        self._headers = {"X-Scope-OrgID": target.tenant} if target.tenant else {}
        self._sleep = sleep

    def close(self) -> None:
        """Ends the connection."""
        self._exchanger.close()

    def groups(self) -> Mapping[str, Group] | Diagnostic:
        """The namespace's groups by name."""
        answer = self._insist("GET", self._path)
        if isinstance(answer, Diagnostic):
            return answer
        if answer.status == 404 and _NO_GROUPS in answer.text:
            return {}
        if answer.status != 200:
            return self._refusal(answer)
        namespaces = read_namespaces(answer.text)
        if namespaces is None or not namespaces.keys() <= {self._namespace}:
            return Diagnostic(
                "RC881",
                f"what answers at {self.url} is no ruler API: it does not give the namespace's groups",
                help=_URLS,
            )
        return {group.name: group for groups in namespaces.values() for group in groups}

    def put(self, group: Group) -> Diagnostic | None:
        """Writes a group, whole (also RC882: the ruler does not take it)."""
        answer = self._insist("POST", self._path, flow(group.fields).encode())
        if isinstance(answer, Diagnostic):
            return answer
        if answer.status == 400:
            return Diagnostic(
                "RC882",
                f"the ruler refuses the group {group.name} of {group.file}: {_reason(answer)}",
                help="correct the rule, or have the tenant's limit raised, then deploy again",
            )
        return None if answer.status in range(200, 300) else self._refusal(answer)

    def delete(self, name: str) -> Diagnostic | None:
        """Takes a group away; that it is gone already is fine."""
        if not is_usable(name):
            raise ValueError(f"no group's name: {name!r}")
        answer = self._insist("DELETE", f"{self._path}/{quote(name, safe='')}")
        if isinstance(answer, Diagnostic):
            return answer
        gone = answer.status == 404  # verified by reading back, whatever the 404 is about
        return None if answer.status in range(200, 300) or gone else self._refusal(answer)

    def running(self) -> tuple[running.RunningGroup, ...] | None:
        """The namespace's groups as they are evaluated; None where the ruler does not tell."""
        answer = self._ask("GET", self._running_path)
        if isinstance(answer, Trouble) or answer.status != 200:
            return None
        try:
            found = running.read_groups(json.loads(answer.body)["data"])
        except (ValueError, KeyError, TypeError, RecursionError, running.Unexpected):
            return None
        return tuple(group for group in found if group.file == self._namespace)

    def _ask(self, method: Method, path: str, content: bytes | None = None) -> Answer | Trouble:
        headers = self._headers if content is None else {**self._headers, "Content-Type": "application/yaml"}
        return self._exchanger.ask(
            method,
            path,
            seconds=_TIMEOUT_SECONDS,
            most_bytes=_MOST_BYTES,
            from_root=True,
            headers=headers,
            content=content,
        )

    def _insist(self, method: Method, path: str, content: bytes | None = None) -> Answer | Diagnostic:
        """The ruler's answer, after retries where these may help (RC810 to RC816, RC880).

        Each write says what a group is to be, so that repeating it is safe.
        """
        delays = [*_DELAYS_SECONDS, None]
        for delay in delays:
            asked = ""
            answer = self._ask(method, path, content)
            if isinstance(answer, Trouble):
                if delay is None or answer.kind == "impossible":
                    return answer.fault
            elif answer.status not in _WORTH_A_RETRY:
                return answer
            elif delay is None:
                return Diagnostic(
                    "RC880",
                    f"the ruler API at {self.url} answered {answer.status}, {len(delays)} times in a row: "
                    f"{_reason(answer)}",
                    help="look at the ruler's log, then deploy again: it goes on where this ended",
                )
            else:
                asked = answer.headers.get("retry-after", "")
            seconds = float(asked) if asked.isascii() and asked.isdigit() else 0.0
            self._sleep(min(max(delay, seconds), _LONGEST_DELAY_SECONDS))
        raise AssertionError("the last attempt returns")

    def _refusal(self, answer: Answer) -> Diagnostic:
        helps = {
            401: "set the target's `tenant`, and its credentials where a proxy asks for them",
            403: "have the namespace's protection lifted, or grant these credentials to write rules",
            404: f"{_URLS}; see whether the ruler runs with -ruler.enable-api",
        }
        other = "see what the ruler, or a proxy before it, has against the request"
        if answer.status in range(300, 400):
            other = "write the address that it leads to in `url`: redirects are not followed"
        return Diagnostic(
            "RC881",
            f"the ruler API at {self.url} answers {answer.status}: {_reason(answer)}",
            help=helps.get(answer.status, other),
        )


def _paths(prefix: str) -> tuple[str, str]:
    """Where the rules of all namespaces are configured, and where it says how they are evaluated.

    Mimir has both below the prefix of its Prometheus API, which is what `url` names. Cortex has them
    apart, so there `url` names the first one, which ends in /rules.
    """
    if not prefix.endswith("/rules"):
        prefix += _MIMIR
    if prefix.endswith(_MIMIR):
        return prefix, prefix.removesuffix(_MIMIR) + _RUNNING
    if prefix.endswith(_RUNNING):
        return prefix, prefix.removesuffix(_RUNNING) + "/prometheus" + _RUNNING
    return prefix, prefix.removesuffix("/rules") + _RUNNING  # Cortex' older /api/prom/rules


def _reason(answer: Answer) -> str:
    """The first of what the ruler says, without what could garble a terminal."""
    text = answer.text[:20_000]
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        text = str(said.get("error") or said.get("message") or text)
    words = " ".join("".join(c if c.isprintable() else " " for c in text[:2_000]).split())
    return (words if len(words) <= 300 else words[:299] + "…") or "no reason given"
