#!/usr/bin/env bash
# The real parts without Docker, all on loopback.
#
#   stack.sh up [PART...]       starts parts (all: kafka elasticsearch mysql redis) and waits until they are ready
#   stack.sh down [--wipe] [PART...]  stops them; --wipe empties their data
#   stack.sh status             says what runs; exit 0 only if all are ready
#   stack.sh install [PART...]  only downloads
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for file in settings process kafka elasticsearch mysql redis; do
  # shellcheck source=/dev/null
  . "$here/$file.sh"
done

up() {
  local part
  for part in "$@"; do
    "install_$part"
    start "$part"
  done
  cat <<EOF
[stack] settings for chatlog on this stack:
export CHATLOG_KAFKA_BROKERS=127.0.0.1:$KAFKA_PORT
export CHATLOG_ELASTICSEARCH_ADDRESSES=http://127.0.0.1:$ELASTICSEARCH_PORT
export CHATLOG_MYSQL_ADDRESS=127.0.0.1:$MYSQL_PORT CHATLOG_MYSQL_USER=chat CHATLOG_MYSQL_PASSWORD=$STACK_MYSQL_PASSWORD CHATLOG_MYSQL_DATABASE=chat
export CHATLOG_REDIS_ADDRESS=127.0.0.1:$REDIS_PORT
[stack] tools are in $STACK_DIR/bin
EOF
}

down() {
  local wipe="" part parts
  if [ "${1:-}" = --wipe ]; then
    wipe=1
    shift
  fi
  parts=("$@")
  [ ${#parts[@]} -gt 0 ] || parts=(redis mysql elasticsearch kafka)
  for part in "${parts[@]}"; do
    stop "$part"
    if [ -n "$wipe" ]; then rm -rf "${STACK_DIR:?}/data/$part"; fi
  done
}

status() {
  local part all=0
  for part in $ALL_PARTS; do
    if ! alive "$part"; then
      printf '%-14s down\n' "$part"
      all=1
    elif "ready_$part" >/dev/null 2>&1; then
      printf '%-14s ready  port %-6s pid %s\n' "$part" "$("port_$part")" "$(cat "$(pidfile "$part")")"
    else
      printf '%-14s starting, pid %s\n' "$part" "$(cat "$(pidfile "$part")")"
      all=1
    fi
  done
  return $all
}

command=${1:-}
[ $# -gt 0 ] && shift
prepare
case $command in
up | install)
  # shellcheck disable=SC2086 # a list of words
  [ $# -gt 0 ] || set -- $ALL_PARTS
  for part in "$@"; do
    case " $ALL_PARTS " in *" $part "*) ;; *) fail "unknown part $part: one of $ALL_PARTS" ;; esac
  done
  if [ "$command" = up ]; then up "$@"; else for part in "$@"; do "install_$part"; done; fi
  ;;
down) down "$@" ;;
status) status ;;
*) fail "usage: stack.sh up|down|status|install [PART...]" ;;
esac
