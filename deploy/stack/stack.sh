#!/usr/bin/env bash
# The real parts without Docker, all on loopback.
#
#   stack.sh up [PART...]       starts parts (all: kafka elasticsearch mysql redis) and waits until they are ready;
#                               with KAFKA_BROKERS=3 kafka is kafka-1, kafka-2 and kafka-3
#   stack.sh down [--wipe] [PART...]  stops them; --wipe empties their data
#   stack.sh status             says what runs; exit 0 only if all are ready
#   stack.sh install [PART...]  only downloads
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for file in settings process kafka elasticsearch mysql redis; do
  # shellcheck source=/dev/null
  . "$here/$file.sh"
done

# parts NAME...: the parts meant; kafka is every broker.
parts() {
  local name
  for name in "$@"; do
    if [ "$name" = kafka ]; then echo "$KAFKA_PARTS"; else echo "$name"; fi
  done
}

install() {
  local part done=""
  for part in "$@"; do
    case " $done " in *" $(kind "$part") "*) continue ;; esac
    "install_$(kind "$part")"
    done+=" $(kind "$part")"
  done
}

up() {
  install "$@"
  start "$@"
  cat <<EOF
[stack] settings for chatlog on this stack:
export CHATLOG_KAFKA_BROKERS=$(brokers_kafka)
export CHATLOG_ELASTICSEARCH_ADDRESSES=http://127.0.0.1:$ELASTICSEARCH_PORT
export CHATLOG_MYSQL_ADDRESS=127.0.0.1:$MYSQL_PORT CHATLOG_MYSQL_USER=chat CHATLOG_MYSQL_PASSWORD=$STACK_MYSQL_PASSWORD CHATLOG_MYSQL_DATABASE=chat
export CHATLOG_REDIS_ADDRESS=127.0.0.1:$REDIS_PORT
[stack] tools are in $STACK_DIR/bin
EOF
}

down() {
  local wipe="" part
  if [ "${1:-}" = --wipe ]; then
    wipe=1
    shift
  fi
  # shellcheck disable=SC2046 # a list of words
  if [ $# -gt 0 ]; then set -- $(parts "$@"); else set -- $(parts redis mysql elasticsearch kafka); fi
  stop "$@"
  for part in "$@"; do
    if [ -n "$wipe" ]; then rm -rf "${STACK_DIR:?}/data/$part"; fi
  done
}

status() {
  local part all=0
  for part in $ALL_PARTS; do
    if ! alive "$part"; then
      printf '%-14s down\n' "$part"
      all=1
    elif "ready_$(kind "$part")" "$part" >/dev/null 2>&1; then
      printf '%-14s ready  port %-6s pid %s\n' "$part" "$("port_$(kind "$part")" "$part")" "$(cat "$(pidfile "$part")")"
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
  # shellcheck disable=SC2046,SC2086 # lists of words
  if [ $# -gt 0 ]; then set -- $(parts "$@"); else set -- $ALL_PARTS; fi
  for part in "$@"; do
    case " $ALL_PARTS " in *" $part "*) ;; *) fail "unknown part $part: one of $ALL_PARTS" ;; esac
  done
  "$command" "$@"
  ;;
down) down "$@" ;;
status) status ;;
*) fail "usage: stack.sh up|down|status|install [PART...]" ;;
esac
