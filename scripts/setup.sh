#!/bin/sh
# Makes the checkout ready: a virtual environment in .venv from requirements.lock,
# promtool and prometheus in .tools. What is there already costs next to nothing.
set -eu
cd "$(dirname "$0")/.."

# Ready means: this lock and this pyproject are installed, in this folder (a
# virtual environment does not survive a move), and its interpreter is alive. make_venv.py writes .venv/ready.
ready() {
    [ -f .venv/ready ] && { pwd -P; cat pyproject.toml requirements.lock; } | cmp -s - .venv/ready &&
        [ "$(version .venv/bin/python)" = "$(version "${PYTHON:-.venv/bin/python}")" ] &&
        [ -n "$(version .venv/bin/python)" ]
}

version() {
    "$1" -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null || true
}

supported='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        if command -v "$PYTHON" >/dev/null 2>&1 && "$PYTHON" -c "$supported" 2>/dev/null; then
            command -v "$PYTHON"
            return
        fi
        echo "error: PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13." >&2
        return 1
    fi
    for name in python3.13 python3.12 python3.11 python3 python; do
        if command -v "$name" >/dev/null 2>&1 && "$name" -c "$supported" 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    echo "error: rulecompiler needs Python 3.11, 3.12 or 3.13; found on PATH:" \
        "$(python3 --version 2>/dev/null || echo 'no python3 at all')." >&2
    echo "Install one (Debian 12 and later: apt-get install python3) or name one:" \
        "make setup PYTHON=/path/to/python3.12" >&2
    return 1
}

if ! ready; then
    python=$(find_python)
    "$python" -E scripts/make_venv.py
fi

exec .venv/bin/python -E scripts/get_prometheus.py --quiet
