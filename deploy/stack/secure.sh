#!/usr/bin/env bash
# Becomes one real part that lets nobody in who does not prove who he is, for tests
# that start their own. It ends with the process that started it.
#
#   SECURE_MARK=TEXT secure.sh kafka|mysql|redis|elasticsearch DIR
#
# DIR/certs has ca.pem, server.pem and server.key; everything that the part writes
# lies in DIR. Ports are those of settings.sh, set from outside. The password of
# the user X is TEXT-X.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export STACK_DIR=$2
for file in settings process kafka elasticsearch mysql redis; do
  # shellcheck source=/dev/null
  . "$here/$file.sh"
done
KAFKA_MUTUAL_PORT=${KAFKA_MUTUAL_PORT:-$((KAFKA_PORT + 2))}
certs=$STACK_DIR/certs
: "${SECURE_MARK:?}"
password() { echo "$SECURE_MARK-$1"; }

# launch PART COMMAND...: becomes the part.
launch() {
  shift
  if [ "$(id -u)" = 0 ]; then exec setpriv --pdeathsig KILL --reuid "$STACK_USER" --regid "$STACK_USER" --clear-groups "$@"; fi
  exec setpriv --pdeathsig KILL "$@"
}

# Clients come to SECURE with a password, by any of the three mechanisms, or to
# MUTUAL with a certificate; the broker itself comes as admin. Who has no ACL may
# do nothing.
settings_kafka() {
  local plain scram
  plain="org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=\"$(password admin)\" user_admin=\"$(password admin)\""
  scram="org.apache.kafka.common.security.scram.ScramLoginModule required;"
  cat <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$KAFKA_CONTROLLER_PORT
listeners=SECURE://127.0.0.1:$KAFKA_PORT,MUTUAL://127.0.0.1:$KAFKA_MUTUAL_PORT,CONTROLLER://127.0.0.1:$KAFKA_CONTROLLER_PORT
advertised.listeners=SECURE://127.0.0.1:$KAFKA_PORT,MUTUAL://127.0.0.1:$KAFKA_MUTUAL_PORT
listener.security.protocol.map=SECURE:SASL_SSL,MUTUAL:SSL,CONTROLLER:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=SECURE
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config=$plain;
listener.name.secure.plain.sasl.jaas.config=$plain user_query="$(password query)";
listener.name.secure.scram-sha-256.sasl.jaas.config=$scram
listener.name.secure.scram-sha-512.sasl.jaas.config=$scram
listener.name.mutual.ssl.client.auth=required
ssl.keystore.type=PEM
ssl.keystore.location=$certs/both.pem
ssl.truststore.type=PEM
ssl.truststore.location=$certs/ca.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin
log.dirs=$2
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
EOF
}

secure_kafka() {
  cat "$certs/server.key" "$certs/server.pem" >"$certs/both.pem"
  chmod 600 "$certs/both.pem"
  own "$certs"
  # shellcheck disable=SC2034 # kafka.sh uses it
  KAFKA_FORMAT=(--add-scram "SCRAM-SHA-512=[name=ingest,password=$(password ingest)]"
    --add-scram "SCRAM-SHA-256=[name=sinks,password=$(password sinks)]"
    --add-scram "SCRAM-SHA-512=[name=stranger,password=$(password stranger)]")
  install_kafka
  start_kafka kafka
}

security_mysql() {
  printf '%s\n' "ssl_ca=$certs/ca.pem" "ssl_cert=$certs/server.pem" "ssl_key=$certs/server.key" require_secure_transport=ON
}

secure_mysql() {
  own "$certs"
  install_mysql
  start_mysql
}

# Nobody but the user chatlog, on chatlog's keys alone.
security_redis() {
  printf '%s\n' "port 0" "tls-port $REDIS_PORT" "tls-ca-cert-file $certs/ca.pem" "tls-cert-file $certs/server.pem" \
    "tls-key-file $certs/server.key" "tls-auth-clients no" "user default off" \
    "user chatlog on >$(password redis) ~chatlog:* &* +@all -@admin -@dangerous"
}

secure_redis() {
  own "$certs"
  install_redis
  start_redis
}

# Elasticsearch reads certificates only below its own settings.
security_elasticsearch() {
  printf '%s\n' "xpack.security.enabled: true" \
    "xpack.security.http.ssl.enabled: true" "xpack.security.http.ssl.key: certs/server.key" \
    "xpack.security.http.ssl.certificate: certs/server.pem" "xpack.security.http.ssl.certificate_authorities: certs/ca.pem"
}

# home_elasticsearch HOME: a copy of the distribution with the plugin that API keys
# need.
home_elasticsearch() {
  local home=$1 plugin=$1/plugins/emails classes=$STACK_DIR/classes
  need javac "Elasticsearch with API keys"
  need jar "Elasticsearch with API keys"
  mkdir -p "$plugin" "$classes"
  cp -r "$ELASTICSEARCH_HOME/bin" "$ELASTICSEARCH_HOME/config" "$home/"
  ln -s "$ELASTICSEARCH_HOME/lib" "$ELASTICSEARCH_HOME/modules" "$home/"
  javac --release 17 -d "$classes" -cp "$ELASTICSEARCH_HOME/lib/*" "$here/emails/Emails.java"
  jar -cf "$plugin/emails.jar" -C "$classes" .
  cp "$here/emails/named_components.json" "$plugin/"
  printf '%s\n' name=emails version=1.0 java.version=17 "elasticsearch.version=$ELASTICSEARCH_VERSION" \
    "description=What the index of API keys needs" >"$plugin/stable-plugin-descriptor.properties"
  own "$home"
}

# Users and roles lie in files. API keys do not: the user admin makes them.
roles_elasticsearch() {
  cat <<EOF
sinks:
  cluster: [monitor]
  indices: [{names: ["chatlog-messages*"], privileges: [all]}]
query:
  cluster: [monitor]
  indices: [{names: ["chatlog-messages*"], privileges: [read, view_index_metadata, maintenance]}]
EOF
}

secure_elasticsearch() {
  local conf=$STACK_DIR/conf/elasticsearch home=$STACK_DIR/home user
  install_elasticsearch
  home_elasticsearch "$home"
  mkdir -p "$conf"
  cp -r "$certs" "$conf/"
  configure_elasticsearch "$conf"
  export ES_PATH_CONF=$conf ES_TMPDIR=$STACK_DIR/run/elasticsearch CLI_JAVA_OPTS=-Xmx128m
  ES_JAVA_HOME=$(home_java)
  export ES_JAVA_HOME
  roles_elasticsearch >"$conf/roles.yml"
  touch "$conf/users" "$conf/users_roles"
  own "$conf"
  for user in sinks query admin=superuser; do
    as "$home/bin/elasticsearch-users" useradd "${user%=*}" -p "$(password "${user%=*}")" -r "${user#*=}"
  done
  launch elasticsearch "$home/bin/elasticsearch"
}

prepare
"secure_$1"
