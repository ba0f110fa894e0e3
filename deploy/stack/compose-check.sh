#!/usr/bin/env bash
# Checks docker-compose.yml with Docker Compose's own config check, which needs
# no engine. Compose is a Go module that `go install` refuses because of its
# exclude directives; so it is built from the module cache, once per version.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=/dev/null
. "$here/settings.sh"
version=v2.40.3
compose=$DIST/compose-$version/docker-compose
if [ ! -x "$compose" ]; then
  say "building Docker Compose $version, once (about 6 minutes)"
  work=$(mktemp -d)
  trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
  module=$(cd "$work" && go mod download -json "github.com/docker/compose/v2@$version" | sed -n 's/.*"Dir": "\(.*\)",*/\1/p')
  cp -r "$module" "$work/compose"
  chmod -R u+w "$work/compose"
  mkdir -p "$(dirname "$compose")"
  (cd "$work/compose" && go build -o "$compose.new" ./cmd)
  mv "$compose.new" "$compose"
fi
check() { MYSQL_PASSWORD=check MYSQL_ROOT_PASSWORD=check TOKEN_SECRET=check FORWARD_SECRET=check "$compose" -f "$1" config -q; }
check "$ROOT/docker-compose.yml"
# The check itself must be able to fail.
broken=$(mktemp "$ROOT/.compose-XXXXXX.yml")
trap 'rm -f "$broken"' EXIT
sed 's/depends_on:/depends_onn:/' "$ROOT/docker-compose.yml" >"$broken"
if check "$broken" 2>/dev/null; then fail "the check does not find an unknown key"; fi
sed '0,/^      kafka:$/s//      kafkaa:/' "$ROOT/docker-compose.yml" >"$broken"
if check "$broken" 2>/dev/null; then fail "the check does not find an undefined service"; fi
say "docker-compose.yml is in order"
