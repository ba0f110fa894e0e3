#!/usr/bin/env bash
# The honest whole: formatting, vet, and every test with the race detector, on
# embedded parts and, where the machine can have them, on real ones. What could
# not be had is said at the end; with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
missing=()

unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { echo "not gofmt'ed: $unformatted"; exit 1; }
go vet ./...
go run honnef.co/go/tools/cmd/staticcheck@v0.7.0 ./... || exit 1
vulnerabilities=$(mktemp)
unknown=""
code=0
timeout 300 go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./... >"$vulnerabilities" 2>&1 || code=$?
if [ $code != 0 ]; then
  if [ $code = 124 ] || grep -q 'fetching vulnerabilities' "$vulnerabilities"; then
    unknown="known vulnerabilities: govulncheck's database cannot be reached from here"
  else
    cat "$vulnerabilities"
    exit 1
  fi
fi
rm -f "$vulnerabilities"
if command -v shellcheck >/dev/null; then shellcheck -x deploy/*.sh deploy/stack/*.sh deploy/catalogue/*.sh deploy/e2e/*.sh deploy/contract/*.sh .ci/run; else missing+=("shellcheck"); fi

started=""
if deploy/stack/stack.sh status >/dev/null 2>&1; then
  echo "using the stack that is up"
elif command -v java >/dev/null && command -v mvn >/dev/null && command -v apt-get >/dev/null && command -v redis-server >/dev/null; then
  deploy/stack/stack.sh up
  started=1
else
  missing+=("the real Kafka, MySQL, Elasticsearch and Redis (Java, Maven, apt and redis-server are needed)")
fi
# shellcheck disable=SC2317 # the trap calls it
finish() { if [ -n "$started" ]; then deploy/stack/stack.sh down; fi; }
trap finish EXIT

# The model has one goroutine per history: without the race detector it gets
# through ten times as many.
go test -count=1 -v -run TestModel ./ingest/internal/partition -model.seeds="${MODEL_SEEDS:-2500}" | grep -E 'model:|seed|^ok|FAIL'

log=$(mktemp)
status=0
go test -race -count=1 -p 2 -timeout 20m -v ./... >"$log" 2>&1 || status=$?
grep -E '^(ok|FAIL|---|panic)|REAL PART MISSING|_test.go:|suite.go:' "$log" | grep -vE '^ok .*no test files' || true
count() { grep -cE "^ *--- $1:" "$log" || true; }
real=$(grep -cE '^ *--- PASS: Test(Conformance|Real)' "$log" || true)
skipped_real=$(grep -c 'REAL PART MISSING' "$log" || true)
[ "$skipped_real" = 0 ] || missing+=("$skipped_real tests on real parts were skipped")
echo "tests named Conformance or Real that passed: $real"
for m in "${missing[@]}" ${unknown:+"$unknown"}; do echo "NOT TESTED: $m"; done
echo "$(count PASS) passed, $(count FAIL) failed, $(count SKIP) skipped"
rm -f "$log"
if [ ${#missing[@]} -gt 0 ] && [ "${CI:-}" = true ]; then exit 1; fi
exit $status
