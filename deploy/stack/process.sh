# shellcheck shell=bash
# Starting, awaiting and stopping the parts: only ever processes of this stack.

pidfile() { printf '%s/run/%s.pid' "$STACK_DIR" "$1"; }

# kind PART: what it is, whichever of several.
kind() { echo "${1%-[0-9]}"; }

# ours PART PID: the process runs and its command line names this very part's
# settings or folder; a pid that was used again, by somebody else or by another
# part of this stack, is never touched.
ours() {
  kill -0 "$2" 2>/dev/null || return 1
  tr '\0' ' ' <"/proc/$2/cmdline" | grep -qF -e "$STACK_DIR/conf/$1." -e "$STACK_DIR/run/$1 " -e "$1-server 127.0.0.1:$REDIS_PORT"
}

alive() {
  local file pid
  file=$(pidfile "$1")
  [ -s "$file" ] && pid=$(cat "$file") && ours "$1" "$pid"
}

# as COMMAND...: runs a command as the stack's user; Elasticsearch and MySQL
# refuse to run as root.
as() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid "$STACK_USER" --regid "$STACK_USER" --clear-groups "$@"; else "$@"; fi
}

own() {
  mkdir -p "$@"
  if [ "$(id -u)" = 0 ]; then chown -R "$STACK_USER": "$@"; fi
}

# launch PART COMMAND...: starts a part in the background, in a session of its own.
launch() {
  local part=$1
  shift
  : >"$STACK_DIR/logs/$part.log"
  if [ "$(id -u)" = 0 ]; then
    setsid setpriv --reuid "$STACK_USER" --regid "$STACK_USER" --clear-groups "$@" >>"$STACK_DIR/logs/$part.log" 2>&1 </dev/null 9>&- &
  else
    setsid "$@" >>"$STACK_DIR/logs/$part.log" 2>&1 </dev/null 9>&- &
  fi
  echo $! >"$(pidfile "$part")"
  # Until it has become the command it is not known as ours.
  until ours "$part" $! || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
}

# await PART SECONDS: waits until the part is ready.
await() {
  local part=$1 limit=$2 began=$SECONDS
  until "ready_$(kind "$part")" "$part" >/dev/null 2>&1; do
    # While a process becomes another program it has no command line to be known by.
    if ! alive "$part" && sleep 0.2 && ! alive "$part"; then
      tail -n 20 "$STACK_DIR/logs/$part.log" >&2
      fail "$part has died, see $STACK_DIR/logs/$part.log"
    fi
    ((SECONDS - began < limit)) || fail "$part is not ready after $limit s, see $STACK_DIR/logs/$part.log"
    sleep 0.2
  done
  say "$part is ready after $((SECONDS - began)) s, pid $(cat "$(pidfile "$part")")"
}

# start PART...: starts what does not run, all at once: brokers wait for one
# another.
start() {
  local part fresh=""
  for part in "$@"; do
    if alive "$part"; then continue; fi
    "start_$(kind "$part")" "$part"
    fresh+=" $part"
  done
  for part in "$@"; do
    await "$part" 120
  done
  for part in $fresh; do
    if declare -F "after_$(kind "$part")" >/dev/null; then "after_$(kind "$part")" "$part"; fi
  done
}

# stop PART...: asks all of them to end, and then waits for each. One that is
# paused hears it only when it goes on.
stop() {
  local part pid
  for part in "$@"; do
    if alive "$part"; then
      pid=$(cat "$(pidfile "$part")")
      kill "$pid"
      kill -CONT "$pid" 2>/dev/null || true
    fi
  done
  for part in "$@"; do ended "$part"; done
}

ended() {
  local part=$1 pid file
  file=$(pidfile "$part")
  if [ ! -s "$file" ]; then
    say "$part is not running"
    return
  fi
  pid=$(cat "$file")
  for _ in $(seq 300); do
    ours "$part" "$pid" || break
    sleep 0.1
  done
  if ours "$part" "$pid"; then kill -9 "$pid"; fi
  rm -f "$file"
  say "$part has stopped"
}

# once NAME FUNCTION: runs an installation once per cache, whoever comes first.
once() {
  [ -e "$DIST/$1/.complete" ] && return
  mkdir -p "$DIST"
  (
    flock 9
    [ -e "$DIST/$1/.complete" ] && exit 0
    rm -rf "${DIST:?}/$1"
    mkdir -p "$DIST/$1"
    "$2"
    chmod -R a+rX "$DIST/$1"
    touch "$DIST/$1/.complete"
  ) 9>"$DIST/lock"
}

# apart of its user, everything a part writes lies under STACK_DIR.
prepare() {
  mkdir -p "$STACK_DIR"/{conf,data,logs,run,bin} "$STACK_CACHE"
  if [ "$(id -u)" = 0 ]; then
    id "$STACK_USER" >/dev/null 2>&1 || useradd --system --user-group --no-create-home --shell /usr/sbin/nologin "$STACK_USER"
    chmod 755 "$STACK_DIR" "$STACK_DIR"/{conf,data,logs,run,bin} "$STACK_CACHE"
    as test -x "$STACK_DIR" || fail "the user $STACK_USER cannot reach $STACK_DIR: set STACK_DIR to a folder that everybody may enter"
    as test -x "$STACK_CACHE" || fail "the user $STACK_USER cannot reach $STACK_CACHE: set STACK_CACHE to a folder that everybody may enter"
  fi
}
