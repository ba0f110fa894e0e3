# shellcheck shell=bash
# Elasticsearch, one node, from the distribution that it has in Maven. It lacks
# optional modules; chatlog's index needs none of them.
ELASTICSEARCH_HOME=$DIST/elasticsearch-$ELASTICSEARCH_VERSION/elasticsearch-$ELASTICSEARCH_VERSION

install_elasticsearch() {
  need java Elasticsearch
  need curl Elasticsearch
  once "elasticsearch-$ELASTICSEARCH_VERSION" download_elasticsearch
}

download_elasticsearch() {
  need mvn Elasticsearch
  need unzip Elasticsearch
  mvn -B -q -Dmaven.repo.local="$STACK_CACHE/m2" "$MAVEN_DEPENDENCY:copy" \
    -Dartifact="org.elasticsearch.distribution.integ-test-zip:elasticsearch:$ELASTICSEARCH_VERSION:zip" -DoutputDirectory="$STACK_CACHE/zip"
  unzip -q -o "$STACK_CACHE/zip/elasticsearch-$ELASTICSEARCH_VERSION.zip" -d "$DIST/elasticsearch-$ELASTICSEARCH_VERSION"
  rm -rf "$STACK_CACHE/zip"
}

security_elasticsearch() { echo "xpack.security.enabled: false"; }

# configure_elasticsearch FOLDER: writes the node's settings.
configure_elasticsearch() {
  local conf=$1
  mkdir -p "$conf/jvm.options.d"
  cp "$ELASTICSEARCH_HOME"/config/{jvm.options,log4j2.properties} "$conf/"
  # shellcheck disable=SC2086 # a list of words
  printf -- '%s\n' "-Xms$ELASTICSEARCH_HEAP" "-Xmx$ELASTICSEARCH_HEAP" $JVM_OPTIONS >"$conf/jvm.options.d/heap.options"
  cat >"$conf/elasticsearch.yml" <<EOF
cluster.name: chatlog-stack
node.name: node-1
path.data: $STACK_DIR/data/elasticsearch
path.logs: $STACK_DIR/logs/elasticsearch
network.host: 127.0.0.1
http.port: $ELASTICSEARCH_PORT
transport.port: $ELASTICSEARCH_TRANSPORT_PORT
discovery.type: single-node
cluster.routing.allocation.disk.threshold_enabled: false
xpack.license.self_generated.type: basic
EOF
  security_elasticsearch >>"$conf/elasticsearch.yml"
  own "$conf" "$STACK_DIR/data/elasticsearch" "$STACK_DIR/logs/elasticsearch" "$STACK_DIR/run/elasticsearch"
}

home_java() { dirname "$(dirname "$(readlink -f "$(command -v java)")")"; }

start_elasticsearch() {
  local conf=$STACK_DIR/conf/elasticsearch
  configure_elasticsearch "$conf"
  rm -f "$STACK_DIR/run/elasticsearch/pid"
  # The launcher starts the server as a child: the server's own pid is the one to keep.
  as env ES_JAVA_HOME="$(home_java)" ES_PATH_CONF="$conf" ES_TMPDIR="$STACK_DIR/run/elasticsearch" \
    "$ELASTICSEARCH_HOME/bin/elasticsearch" -d -p "$STACK_DIR/run/elasticsearch/pid" >"$STACK_DIR/logs/elasticsearch.log" 2>&1 </dev/null 9>&- ||
    { tail -n 20 "$STACK_DIR/logs/elasticsearch.log" >&2; fail "Elasticsearch does not start"; }
  cp "$STACK_DIR/run/elasticsearch/pid" "$(pidfile elasticsearch)"
}

ready_elasticsearch() { curl -fs "127.0.0.1:$ELASTICSEARCH_PORT/_cluster/health?wait_for_status=yellow&timeout=5s"; }

port_elasticsearch() { echo "$ELASTICSEARCH_PORT"; }
