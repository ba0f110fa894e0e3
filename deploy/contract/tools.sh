#!/usr/bin/env bash
# Prints the folder of schemathesis and openapi-spec-validator, in the versions of
# requirements.txt. They are installed once into a folder of their own in the
# cache of downloads.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=deploy/stack/settings.sh
. "$here/../stack/settings.sh"
venv=$STACK_CACHE/contract-$(sha256sum "$here/requirements.txt" | cut -c1-16)
if [ ! -e "$venv/whole" ]; then
  need python3 schemathesis
  mkdir -p "$STACK_CACHE"
  (
    flock 9
    [ ! -e "$venv/whole" ] || exit 0
    rm -rf "$venv"
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt" >&2
    touch "$venv/whole"
  ) 9>"$STACK_CACHE/contract.lock"
fi
echo "$venv/bin"
