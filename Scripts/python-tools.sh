#!/bin/bash
# Puts the Python clients, at the versions of Tests/ClientTests/requirements.txt, into .venv. Does nothing when they are there.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=Tests/ClientTests/requirements.txt
stamp=.venv/requirements.stamp
# The interpreter is part of the stamp: a virtual environment does not outlive the Python it was made with.
wanted=$(python3 --version && cat $requirements)
if [ -x .venv/bin/python ] && [ "$(cat $stamp 2>/dev/null)" = "$wanted" ]; then exit 0; fi

rm -rf .venv
python3 -m venv .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $requirements
printf '%s\n' "$wanted" >$stamp
