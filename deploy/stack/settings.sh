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
KAFKA_BROKERS=${KAFKA_BROKERS:-1}                             # 1, or 3: a cluster, its parts named kafka-1 to kafka-3
KAFKA_PORT=${KAFKA_PORT:-$((19092 + STACK_PORT_OFFSET))}      # of the first broker; the next ones lie 2 apart
KAFKA_CONTROLLER_PORT=${KAFKA_CONTROLLER_PORT:-$((KAFKA_PORT + 1))}
# With KAFKA_PROXY_PORTS broker N has one more listener, for clients that come
# through a proxy: it listens on KAFKA_PROXIED_PORT+N and tells them that it is
# at KAFKA_PROXY_PORTS+N, where the proxy has to listen.
KAFKA_PROXY_PORTS=${KAFKA_PROXY_PORTS:-}
KAFKA_PROXIED_PORT=${KAFKA_PROXIED_PORT:-$((19072 + STACK_PORT_OFFSET))}
ELASTICSEARCH_PORT=${ELASTICSEARCH_PORT:-$((19200 + STACK_PORT_OFFSET))}
ELASTICSEARCH_TRANSPORT_PORT=${ELASTICSEARCH_TRANSPORT_PORT:-$((19300 + STACK_PORT_OFFSET))}
MYSQL_PORT=${MYSQL_PORT:-$((13306 + STACK_PORT_OFFSET))}
REDIS_PORT=${REDIS_PORT:-$((16379 + STACK_PORT_OFFSET))}
if [ "$KAFKA_BROKERS" = 1 ]; then KAFKA_HEAP=${KAFKA_HEAP:-512m}; else KAFKA_HEAP=${KAFKA_HEAP:-320m}; fi # of each broker
ELASTICSEARCH_HEAP=${ELASTICSEARCH_HEAP:-1g}
JVM_OPTIONS=${JVM_OPTIONS:-}                       # more options of Kafka's and Elasticsearch's JVMs
STACK_MYSQL_PASSWORD=${STACK_MYSQL_PASSWORD:-chat} # of the user `chat`, on loopback only
STACK_USER=${STACK_USER:-chatlog-stack}            # who runs the parts when root starts them
case $KAFKA_BROKERS in
1) KAFKA_PARTS="kafka" ;;
3) KAFKA_PARTS="kafka-1 kafka-2 kafka-3" ;;
*) printf '[stack] KAFKA_BROKERS must be 1 or 3, not %s\n' "$KAFKA_BROKERS" >&2; exit 1 ;;
esac
ALL_PARTS="$KAFKA_PARTS elasticsearch mysql redis"
DIST=$STACK_CACHE/dist
MAVEN_DEPENDENCY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

say() { printf '[stack] %s\n' "$*"; }
fail() { printf '[stack] %s\n' "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$2 cannot be had: the command $1 is missing (deploy/stack/requirements.sh installs it on Debian)"; }
