#!/usr/bin/env bash
# Lets every fuzz target search for FUZZTIME, one after the other. It finds them by
# itself. FUZZ is an expression that picks some of them by package and name.
set -euo pipefail
cd "$(dirname "$0")/.."
tried=0 failed=0
while read -r dir name; do
  [[ "$dir $name" =~ ${FUZZ:-.} ]] || continue
  tried=$((tried + 1))
  echo "== $dir $name"
  nice -n 10 go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-20s}" "./$dir" || failed=$((failed + 1))
done < <(grep -roE --include='*_test.go' '^func Fuzz[A-Za-z0-9]+' deploy ingest query shared sinks | sed -E 's|/[^/]+:func | |' | sort -u)
echo "fuzz: $tried targets, $failed failed"
[ "$tried" -gt 0 ] && [ "$failed" = 0 ]
