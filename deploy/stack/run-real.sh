#!/usr/bin/env bash
# Runs the three services as three processes on the stack's parts. Ctrl-C, or the
# end of one of them, ends all.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for file in settings kafka; do
  # shellcheck source=/dev/null
  . "$here/$file.sh"
done
export CHATLOG_KAFKA_BROKERS=${CHATLOG_KAFKA_BROKERS:-$(brokers_kafka)}
export CHATLOG_ELASTICSEARCH_ADDRESSES=${CHATLOG_ELASTICSEARCH_ADDRESSES:-http://127.0.0.1:$ELASTICSEARCH_PORT}
export CHATLOG_MYSQL_ADDRESS=${CHATLOG_MYSQL_ADDRESS:-127.0.0.1:$MYSQL_PORT}
export CHATLOG_MYSQL_USER=${CHATLOG_MYSQL_USER:-chat} CHATLOG_MYSQL_PASSWORD=${CHATLOG_MYSQL_PASSWORD:-$STACK_MYSQL_PASSWORD}
export CHATLOG_MYSQL_DATABASE=${CHATLOG_MYSQL_DATABASE:-chat} CHATLOG_REDIS_ADDRESS=${CHATLOG_REDIS_ADDRESS:-127.0.0.1:$REDIS_PORT}
export CHATLOG_LOG_LEVEL=${CHATLOG_LOG_LEVEL:-warn} CHATLOG_LOG_FORMAT=${CHATLOG_LOG_FORMAT:-text}
# secret NAME: a file with a secret of this stack, made at the first start.
secret() {
  mkdir -p "$STACK_DIR"
  [ -s "$STACK_DIR/$1" ] || (umask 077 && head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$STACK_DIR/$1")
  echo "$STACK_DIR/$1"
}
[ -n "${CHATLOG_INGEST_TOKEN_SECRET:-}" ] || CHATLOG_INGEST_TOKEN_SECRET_FILE=$(secret token-secret)
[ -n "${CHATLOG_FORWARD_SECRET:-}" ] || CHATLOG_FORWARD_SECRET_FILE=$(secret forward-secret)
export CHATLOG_INGEST_TOKEN_SECRET_FILE CHATLOG_FORWARD_SECRET_FILE
pids=()
for service in sinks ingest query; do
  "$ROOT/bin/$service" &
  pids+=($!)
done
trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT
echo "ingest on 127.0.0.1:8000, query on 127.0.0.1:3001, sinks' health on 127.0.0.1:8001; Ctrl-C ends all"
wait -n
