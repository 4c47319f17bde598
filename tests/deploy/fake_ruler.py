"""A ruler's API as Grafana Mimir and Cortex document and implement it, in memory, and at least as strict.

Read from, not copied: Mimir's HTTP API reference (ruler section), its pkg/ruler/api.go of April 2026, and
Cortex' pkg/ruler/api.go. Where versions differ, the switches below choose; where they lose data without a
word, so does this one, as a client that trusts the 202 must be found out.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml

from rulecompiler import promtool

# rulefmt.RuleGroup and rulefmt.Rule: what the body is unmarshalled into. It is not strict there, so that
# fields it does not know are dropped, with the answer 202 all the same.
GROUP_FIELDS = {"name", "interval", "query_offset", "limit", "rules"}
RULE_FIELDS = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


@dataclass
class Request:
    """What was asked, for tests to look at."""

    method: str
    path: str
    tenant: str | None
    status: int


@dataclass
class Ruler:
    """The state, the switches, and the log."""

    promtool: Path | None = None
    stored: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # tenant → namespace → groups
    prefix: str = "/prometheus/config/v1/rules"  # Cortex: /api/v1/rules
    running_path: str | None = "/prometheus/api/v1/rules"  # None: these credentials may not read it
    # Mimir until 2.x and Cortex answer 404 to a list of nothing, later ones 200 and {}.
    none_is_404: bool = True
    max_groups: int | None = None
    max_rules: int | None = None
    protected: set[str] = field(default_factory=set)  # namespaces, as -ruler.protected-namespaces
    user: tuple[str, str] | None = None  # of a proxy in front of it
    group_fields: set[str] = field(default_factory=lambda: set(GROUP_FIELDS))
    # What goes wrong: by number of the write, counted from 1: a status, "drop" or "drop after".
    faults: dict[int, int | str] = field(default_factory=dict)
    retry_after: str | None = None
    active: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # alert → its alerts
    errors: dict[str, str] = field(default_factory=dict)  # rule → why its evaluation fails
    requests: list[Request] = field(default_factory=list)
    writes: int = 0
    url: str = ""

    def groups(self, tenant: str = "", namespace: str = "rulecompiler") -> dict[str, Any]:
        return self.stored.get(tenant, {}).get(namespace, {})

    def posted(self, method: str = "POST") -> list[str]:
        """The last parts of the paths of the writes that went well."""
        return [r.path for r in self.requests if r.method == method and r.status == 202]


class _Handler(BaseHTTPRequestHandler):
    ruler: Ruler
    protocol_version = "HTTP/1.1"
    wbufsize = 65_536  # a head and a body in two packets would wait for each other

    def do_GET(self) -> None:
        self._handle(b"")

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_DELETE(self) -> None:
        self._handle(b"")

    def log_message(self, *_: object) -> None:
        pass

    def _handle(self, body: bytes) -> None:
        ruler, fault = self.ruler, None
        if self.command != "GET":
            ruler.writes += 1
            fault = ruler.faults.get(ruler.writes)
        if fault == "drop":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._answer(fault, f"made to answer {fault}")
            return
        status, text = self._judge(body)
        if fault == "drop after":
            self.close_connection = True
            return
        self._answer(status, text)

    def _answer(self, status: int, text: str) -> None:
        ruler = self.ruler
        ruler.requests.append(Request(self.command, self.path, self.headers.get("X-Scope-OrgID"), status))
        self.send_response(status)
        if ruler.retry_after is not None and status in (409, 429, 503):
            self.send_header("Retry-After", ruler.retry_after)
        if status == 302:
            self.send_header("Location", "http://elsewhere.invalid/")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _judge(self, body: bytes) -> tuple[int, str]:
        ruler = self.ruler
        if ruler.user is not None:
            name_and_password = base64.b64encode(":".join(ruler.user).encode()).decode()
            if self.headers.get("Authorization") != f"Basic {name_and_password}":
                return 401, "Unauthorized"
        tenant = self.headers.get("X-Scope-OrgID")
        if not tenant:  # HTTP API reference, authentication; dskit's middleware answers so
            return 401, "no org id"
        if self.path == ruler.running_path:
            return 200, self._running(tenant)
        parts = self.path.removeprefix(ruler.prefix).split("/")[1:]
        if (
            not self.path.startswith(ruler.prefix + "/") or len(parts) > 2
        ):  # the router; a list of all is not ours to ask
            return 404, "404 page not found"
        names = [unquote(part) for part in parts]
        for name in names:  # filepath.IsLocal in parseNamespace and parseGroupName
            if name.startswith("/") or ".." in name.split("/") or not name:
                return 500, "invalid namespace: path traversal not allowed"
        namespaces = ruler.stored.setdefault(tenant, {})
        groups = namespaces.setdefault(names[0], {})
        if self.command == "GET":
            return self._list(names[0], groups) if len(names) == 1 else (405, "")
        if names[0] in ruler.protected:
            return 403, "namespace is protected, no modification allowed"
        if self.command == "DELETE":
            if len(names) == 1:  # exists, takes all with it, and is nothing that we ever want
                return 500, "the test's ruler deletes no whole namespaces"
            return (
                (202, '{"status":"success"}') if groups.pop(names[1], None) else (404, "group does not exist")
            )
        return self._create(names, groups, sum(map(len, namespaces.values())), body)

    def _list(self, namespace: str, groups: dict[str, Any]) -> tuple[int, str]:
        if groups:
            return 200, yaml.safe_dump({namespace: list(groups.values())}, sort_keys=False)
        return (404, "no rule groups found") if self.ruler.none_is_404 else (200, "{}\n")

    def _create(self, names: list[str], groups: dict[str, Any], count: int, body: bytes) -> tuple[int, str]:
        ruler = self.ruler
        if len(names) != 1:
            return 405, ""
        # The reference demands the header, the implementations look away.
        if self.headers.get("Content-Type") != "application/yaml":
            return 400, "Content-Type must be application/yaml"
        try:
            documents = list(yaml.safe_load_all(body))
        except yaml.YAMLError:
            return 400, "unable to decode rule group"
        # The reference: exactly one group. Implementations read the first document and drop the rest.
        if len(documents) != 1 or not isinstance(documents[0], dict):
            return 400, "unable to decode rule group"
        group = {key: value for key, value in documents[0].items() if key in ruler.group_fields}
        if not group.get("name"):  # what `groups: [...]` comes to
            return 400, "invalid rules configuration: rule group name must not be empty"
        if not group.get("rules"):
            return 400, f"invalid rules configuration: rule group '{group['name']}' has no rules"
        group["rules"] = [
            {key: value for key, value in rule.items() if key in RULE_FIELDS and value not in ({}, "")}
            for rule in group["rules"]
        ]
        if ruler.promtool is not None:  # ValidateRuleGroup uses Prometheus' own validation
            text = json.dumps({"groups": [group]})
            complaints = promtool.check_rules(ruler.promtool, {"group.yml": text}, 30.0)
            assert isinstance(complaints, tuple), complaints
            if complaints:
                return 400, complaints[0].message
        if ruler.max_rules is not None and len(group["rules"]) > ruler.max_rules:
            return 400, f"per-user rules per rule group limit (limit: {ruler.max_rules}) exceeded"
        # Mimir counts one more group than there are even where it replaces one.
        if ruler.max_groups is not None and count + 1 > ruler.max_groups:
            return 400, f"per-user rule groups limit (limit: {ruler.max_groups} actual: {count + 1}) exceeded"
        groups[group["name"]] = group
        return 202, '{"status":"success","data":null,"errorType":"","error":""}'

    def _running(self, tenant: str) -> str:
        """What Prometheus' API says of these groups; each look at it comes after another evaluation."""
        ruler, groups = self.ruler, []
        for namespace, stored in ruler.stored.get(tenant, {}).items():
            for group in stored.values():
                rules = []
                for rule in group["rules"]:
                    name = rule.get("alert") or rule["record"]
                    error = ruler.errors.get(name, "")
                    rules.append(
                        {
                            "type": "alerting" if "alert" in rule else "recording",
                            "name": name,
                            "query": rule["expr"],
                            "labels": rule.get("labels", {}),
                            "annotations": rule.get("annotations", {}),
                            "health": "err" if error else "ok",
                            "lastError": error,
                            "alerts": ruler.active.get(name, []),
                        }
                    )
                groups.append(
                    {
                        "name": group["name"],
                        "file": namespace,
                        "interval": 60,
                        "rules": rules,
                        "lastEvaluation": f"2026-01-01T00:00:00.{time.monotonic_ns()}Z",
                    }
                )
        return json.dumps({"status": "success", "data": {"groups": groups}})


@contextmanager
def serving(ruler: Ruler) -> Iterator[Ruler]:
    """The ruler at a free port of the loopback, its address in `url`."""
    handler = type("Handler", (_Handler,), {"ruler": ruler})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        ruler.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield ruler
        finally:
            server.shutdown()
            thread.join()
