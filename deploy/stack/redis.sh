# shellcheck shell=bash
# Redis as the machine has it, run by hand on a port of its own.

install_redis() { need redis-server Redis; }

security_redis() { :; }

start_redis() {
  local conf=$STACK_DIR/conf/redis.conf
  own "$STACK_DIR/data/redis"
  cat >"$conf" <<EOF
bind 127.0.0.1
port $REDIS_PORT
dir $STACK_DIR/data/redis
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
EOF
  security_redis >>"$conf"
  launch redis redis-server "$conf"
}

ready_redis() { redis-cli -p "$REDIS_PORT" ping | grep -q PONG; }

port_redis() { echo "$REDIS_PORT"; }
