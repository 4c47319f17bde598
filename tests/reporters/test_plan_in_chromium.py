"""The html report in a real browser, where one is found."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rulecompiler.diff.model import Plan
from rulecompiler.reporters.plan_html import as_html
from tests.reporters import plans

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# The report's own policy forbids scripts, so it is looked at from the page around it.
AROUND = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body>
<iframe id="r" src="/report.html" style="width:%(width)dpx;height:700px;border:0"></iframe>
<pre id="seen"></pre><script>
document.getElementById("r").onload = (event) => {
  const page = event.target.contentDocument, root = page.documentElement;
  const wide = () => [...page.querySelectorAll("body *")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width && (box.right > root.clientWidth + 1 || box.left < -1) && !e.closest(".unseen");
  }).map((e) => e.outerHTML.slice(0, 200)).slice(0, 3);
  const seen = {folded: [root.scrollWidth, root.clientWidth]};
  if (%(unfold)s) {
    seen.wide = wide();
    page.querySelectorAll("details").forEach((e) => { e.open = true; });
    page.querySelectorAll("article").forEach((e) => { e.style.contentVisibility = "visible"; });
    seen.open = [root.scrollWidth, root.clientWidth];
    seen.wideOpen = wide();
  }
  seen.background = getComputedStyle(page.body).backgroundColor;
  seen.owned = page.querySelectorAll("script,img,iframe,svg,form,[onload],[onerror],[onmouseover]").length;
  document.getElementById("seen").textContent = "SEEN" + JSON.stringify(seen) + "SEEN";
};</script>"""


class Seen(NamedTuple):
    """What a browser made of a report."""

    facts: dict[str, Any]
    requests: list[str]
    console: list[str]


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is here to look at the html report")
    profile = tmp_path_factory.mktemp("profile")
    try:
        run = subprocess.run(
            [*_command(found, profile), "--dump-dom", "about:blank"], capture_output=True, timeout=60
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{found} does not start here")
    if run.returncode or b"<html" not in run.stdout:
        pytest.skip(f"{found} does not start here: {run.stderr[-300:].decode(errors='replace')}")
    return found


def _command(program: str, profile: Path) -> list[str]:
    return [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-extensions", f"--user-data-dir={profile}",
        "--enable-logging=stderr", "--window-size=1400,900", "--virtual-time-budget=20000",
    ]  # fmt: skip


def look(program: str, folder: Path, plan: Plan, width: int, *flags: str, unfold: bool = True) -> Seen:
    around = AROUND % {"width": width, "unfold": "true" if unfold else "false"}
    pages = {"/": around, "/report.html": as_html(plan, "https://ci.example/1")}
    requests: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/"
        command = [*_command(program, folder / "profile"), *flags, "--dump-dom", address]
        run = subprocess.run(
            command, capture_output=True, timeout=240, env={**os.environ, "HOME": str(folder)}
        )
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    found = re.search(r"SEEN(\{.*\})SEEN</pre>", run.stdout.decode(errors="replace"), re.DOTALL)
    assert found is not None, run.stderr.decode(errors="replace")[-2_000:]
    facts = json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    console = [line for line in run.stderr.decode(errors="replace").splitlines() if "CONSOLE" in line]
    return Seen(facts, requests, console)


def sound(seen: Seen) -> None:
    """Nothing is wider than the window, nothing is asked for, nothing is complained of."""
    assert seen.facts["wide"] == []
    assert seen.facts["wideOpen"] == []
    for state in ("folded", "open"):
        scroll, client = seen.facts[state]
        assert scroll <= client, state
    assert seen.facts["owned"] == 0
    assert seen.console == []
    assert sorted(seen.requests) == ["/", "/report.html"]


def everything() -> Plan:
    changes = [plans.added(1), plans.lost(2), plans.reset(3), plans.moved(4), plans.changed(5, "busy " * 300)]
    return plans.plan(changes, [plans.broken(6)])


@pytest.mark.parametrize("width", [360, 1200])
def test_no_window_is_too_narrow(chromium: str, tmp_path: Path, width: int) -> None:
    sound(look(chromium, tmp_path, everything(), width))


def test_light_and_dark(chromium: str, tmp_path: Path) -> None:
    light = look(chromium, tmp_path, everything(), 800, "--blink-settings=preferredColorScheme=1")
    dark = look(chromium, tmp_path, everything(), 800, "--blink-settings=preferredColorScheme=0")
    assert light.facts["background"] != dark.facts["background"]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script><img src=/x onerror=alert(1)>\"'><svg onload=x>",
        "</code></details></style><style>body{width:5000px}</style><link rel=stylesheet href=/x>",
        "x" * 3_000,
        "\u202e\u200f" * 50 + "שלום" * 40,
    ],
)
def test_hostile_texts_do_nothing(chromium: str, tmp_path: Path, text: str) -> None:
    sound(look(chromium, tmp_path, plans.with_everything(text), 360))


def test_a_large_plan_opens(chromium: str, tmp_path: Path) -> None:
    plan = plans.plan(plans.changed(n) for n in range(5_000))
    seen = look(chromium, tmp_path, plan, 360, unfold=False)
    scroll, client = seen.facts["folded"]
    assert scroll <= client
    assert seen.console == []
