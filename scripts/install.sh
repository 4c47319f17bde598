#!/bin/sh
# Installs rulecompiler, with what it needs to run and nothing else, into a new virtual environment:
#
#     sh scripts/install.sh /opt/rulecompiler
#
# For images and for machines of others; who works on rulecompiler itself says `make setup`. Every
# wheel is checked against the hashes of requirements.lock before anything of it is unpacked.
set -eu

if [ $# -ne 1 ] || [ -e "$1" ]; then
    echo "usage: install.sh FOLDER    (which must not exist)" >&2
    exit 2
fi
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

pip() {
    "$python" -m pip --disable-pip-version-check --no-input "$@"
}

# The lock has the developers' tools too. They are fetched, since hashes hold for a whole file or not at all, but
# of what is there pip then takes what rulecompiler asks for; hatchling builds it, with no trip to an index.
pip download --quiet --no-cache-dir --require-hashes --only-binary :all: \
    --requirement "$here/requirements.lock" --dest "$work/wheels"
pip wheel --quiet --no-cache-dir --no-deps --no-index --find-links "$work/wheels" --wheel-dir "$work/own" "$here"
"$python" -m venv --without-pip "$1"
pip --python "$1/bin/python" install --quiet --no-cache-dir --no-index --find-links "$work/wheels" "$work"/own/*.whl
