#!/usr/bin/env bash
# Makes .venv from hash-locked requirements; does nothing when the locks are those it was made from.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "$1" >&2; }

python=${PYTHON:-}
if [ -z "$python" ]; then
  for candidate in python3.11 python3.12 python3.13 python3; do
    if command -v "$candidate" >/dev/null; then python=$candidate; break; fi
  done
fi
[ -n "$python" ] && command -v "$python" >/dev/null || { say "Python was not found; install Python 3.11 to 3.13 (apt-get install python3 python3-venv)."; exit 2; }
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
  say "$("$python" --version) is not supported; it needs Python 3.11 to 3.13 (set PYTHON=/path/to/python3.11)."
  exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  say "Python's venv module is missing; install it with: apt-get install python3-venv"
  exit 2
fi

wanted=$(cat "$@" | sha256sum | cut -d' ' -f1)
stamp=.venv/.locks
# An environment made for development holds all of the run time's requirements too.
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && grep -qx "$wanted" "$stamp"; then exit 0; fi
if [ "$#" = 1 ] && [ -f "$stamp" ] && grep -qx "$wanted run" "$stamp"; then exit 0; fi

if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c 'import sys' 2>/dev/null; then
  say "Making .venv with $("$python" --version) …"
  rm -rf .venv
  "$python" -m venv .venv
fi
say "Installing the locked requirements (about a minute the first time) …"
arguments=()
for file in "$@"; do arguments+=(-r "$file"); done
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes "${arguments[@]}"; then
  say "The requirements could not be installed; see the lines above, then run this again."
  exit 2
fi
{ echo "$wanted"; echo "$(sha256sum <"$1" | cut -d' ' -f1) run"; } >"$stamp"
