"""Run by test_injection.py under strace: a deployment to a rules folder, in a process that may be killed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from rulecompiler.deploy.journal import Journal, State, clear_journal, lock, write_journal, write_state
from tests.deploy.folders import LAYOUTS, NEW, OLD

# A file that is not there, asked for so that it is seen in a trace.
BEGIN = "/rulecompiler-test-begins"


def run() -> None:
    """Says on standard output how it went, in one line of JSON; what goes wrong must not be a traceback."""
    os.access(BEGIN, os.F_OK)
    answer = json.dumps(deploy(*sys.argv[-2:]))
    os.writev(sys.stdout.fileno(), [answer.encode()])  # no `write`, as some of those are to fail
    os._exit(0)


def deploy(layout_name: str, path: str) -> dict[str, object]:
    """Brings the new release to a folder in which the old one is live."""
    folder = Path(path)
    layout = LAYOUTS[layout_name](folder)
    if (fault := layout.prepare()) is not None:
        return {"at": "prepare", "code": fault.code}
    with lock(folder) as fault:
        if fault is not None:
            return {"at": "lock", "code": fault.code}
        if (fault := layout.sweep()) is not None:
            return {"at": "sweep", "code": fault.code}
        if (fault := layout.stage(NEW)) is not None:
            return {"at": "stage", "code": fault.code}
        if (fault := write_journal(folder, Journal(OLD.id, NEW.id, "forward"))) is not None:
            return {"at": "journal", "code": fault.code}
        switched = layout.switch(OLD.id, NEW.id)
        if switched.fault is not None:
            return {"at": "switch", "code": switched.fault.code, "moved": switched.moved}
        faults = [
            write_state(folder, State(NEW.id, (), {})),
            clear_journal(folder),
            layout.prune((NEW.id, OLD.id)),
        ]
    return {"at": "end", "code": next((fault.code for fault in faults if fault is not None), "")}
