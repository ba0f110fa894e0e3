# shellcheck shell=bash
# shellcheck disable=SC2034 # the other files use them
# Where the parts live and listen. Everything can be set from outside.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
STACK_DIR=${STACK_DIR:-$ROOT/.stack}          # data, logs, settings and pids of this checkout's stack
if [ "$(id -u)" = 0 ]; then default_cache=/var/cache/chatlog-stack; else default_cache=${XDG_CACHE_HOME:-$HOME/.cache}/chatlog-stack; fi
STACK_CACHE=${STACK_CACHE:-$default_cache}    # what was downloaded, shared by all checkouts
STACK_PORT_OFFSET=${STACK_PORT_OFFSET:-0}     # shifts all ports, for a second stack beside the first
KAFKA_VERSION=${KAFKA_VERSION:-4.3.1}
ELASTICSEARCH_VERSION=${ELASTICSEARCH_VERSION:-8.19.21}
KAFKA_PORT=${KAFKA_PORT:-$((19092 + STACK_PORT_OFFSET))}
KAFKA_CONTROLLER_PORT=${KAFKA_CONTROLLER_PORT:-$((19093 + STACK_PORT_OFFSET))}
ELASTICSEARCH_PORT=${ELASTICSEARCH_PORT:-$((19200 + STACK_PORT_OFFSET))}
ELASTICSEARCH_TRANSPORT_PORT=${ELASTICSEARCH_TRANSPORT_PORT:-$((19300 + STACK_PORT_OFFSET))}
MYSQL_PORT=${MYSQL_PORT:-$((13306 + STACK_PORT_OFFSET))}
REDIS_PORT=${REDIS_PORT:-$((16379 + STACK_PORT_OFFSET))}
KAFKA_HEAP=${KAFKA_HEAP:-512m}
ELASTICSEARCH_HEAP=${ELASTICSEARCH_HEAP:-1g}
STACK_MYSQL_PASSWORD=${STACK_MYSQL_PASSWORD:-chat} # of the user `chat`, on loopback only
STACK_USER=${STACK_USER:-chatlog-stack}            # who runs the parts when root starts them
ALL_PARTS="kafka elasticsearch mysql redis"
DIST=$STACK_CACHE/dist
MAVEN_DEPENDENCY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

say() { printf '[stack] %s\n' "$*"; }
fail() { printf '[stack] %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$2 cannot be had: the command $1 is missing (deploy/stack/requirements.sh installs it on Debian)"; }
