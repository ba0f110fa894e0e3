# shellcheck shell=bash
# Kafka in KRaft mode from its Maven artifacts: one node, or three that are
# brokers and controllers at once.
KAFKA_HOME=$DIST/kafka-$KAFKA_VERSION

install_kafka() {
  need java Kafka
  once "kafka-$KAFKA_VERSION" download_kafka
  tools_kafka
}

download_kafka() {
  need mvn Kafka
  local pom=$STACK_CACHE/kafka-pom.xml
  # Without the log4j artifact Kafka 4 logs nothing at all.
  cat >"$pom" <<EOF
<project><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>kafka-dist</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$KAFKA_VERSION</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$KAFKA_VERSION</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
</dependencies></project>
EOF
  mvn -B -q -Dmaven.repo.local="$STACK_CACHE/m2" -f "$pom" "$MAVEN_DEPENDENCY:copy-dependencies" -DincludeScope=runtime -DoutputDirectory="$KAFKA_HOME/libs"
}

log4j_kafka() { # FILE TARGET LEVEL
  cat >"$1" <<EOF
Configuration:
  status: ERROR
  Appenders:
    Console:
      name: C
      target: $2
      PatternLayout: {pattern: "[%d] %p %m (%c)%n"}
  Loggers:
    Root:
      level: $3
      AppenderRef: {ref: C}
EOF
}

# tools_kafka makes Kafka's command line tools, under their usual names.
tools_kafka() {
  log4j_kafka "$STACK_DIR/conf/kafka-tools-log4j2.yaml" SYSTEM_ERR WARN
  local name class
  while read -r name class; do
    cat >"$STACK_DIR/bin/$name" <<EOF
#!/bin/sh
exec java \${KAFKA_OPTS:--Xmx256m} -Dlog4j2.configurationFile=$STACK_DIR/conf/kafka-tools-log4j2.yaml -cp "$KAFKA_HOME/libs/*" $class "\$@"
EOF
    chmod 755 "$STACK_DIR/bin/$name"
  done <<EOF
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-get-offsets org.apache.kafka.tools.GetOffsetShell
kafka-delete-records org.apache.kafka.tools.DeleteRecordsCommand
kafka-configs kafka.admin.ConfigCommand
kafka-storage kafka.tools.StorageTool
EOF
}

# number_kafka PART: which broker it is.
number_kafka() { case $1 in *-*) echo "${1##*-}" ;; *) echo 1 ;; esac; }

# listens_kafka N, controls_kafka N: ports of the Nth broker.
listens_kafka() { echo $((KAFKA_PORT + 2 * ($1 - 1))); }
controls_kafka() { echo $((KAFKA_CONTROLLER_PORT + 2 * ($1 - 1))); }

port_kafka() { listens_kafka "$(number_kafka "$1")"; }

# brokers_kafka: the addresses of all brokers, with commas.
brokers_kafka() {
  local n all=""
  for ((n = 1; n <= KAFKA_BROKERS; n++)); do all+=${all:+,}127.0.0.1:$(listens_kafka "$n"); done
  echo "$all"
}

voters_kafka() {
  local n all=""
  for ((n = 1; n <= KAFKA_BROKERS; n++)); do all+=${all:+,}$n@127.0.0.1:$(controls_kafka "$n"); done
  echo "$all"
}

# settings_kafka N DATA: a broker's properties.
settings_kafka() {
  local n=$1 port controller copies=1 least=1
  port=$(listens_kafka "$n") controller=$(controls_kafka "$n")
  if ((KAFKA_BROKERS > 1)); then copies=3 least=2; fi
  cat <<EOF
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$(voters_kafka)
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller${KAFKA_PROXY_PORTS:+,PROXIED://127.0.0.1:$((KAFKA_PROXIED_PORT + n))}
advertised.listeners=PLAINTEXT://127.0.0.1:$port${KAFKA_PROXY_PORTS:+,PROXIED://127.0.0.1:$((KAFKA_PROXY_PORTS + n))}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
log.dirs=$2
auto.create.topics.enable=false
offsets.topic.replication.factor=$copies
offsets.topic.num.partitions=10
transaction.state.log.replication.factor=$copies
transaction.state.log.min.isr=$least
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$copies
share.coordinator.state.topic.min.isr=$least
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
EOF
  if ((KAFKA_BROKERS > 1)); then failover_kafka; fi
}

# failover_kafka: a broker that dies is replaced after about 3 s instead of 9,
# one that comes back leads again after 10 s instead of 300: drills kill many.
failover_kafka() {
  cat <<EOF
unclean.leader.election.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
controller.quorum.election.backoff.max.ms=500
replica.lag.time.max.ms=5000
leader.imbalance.check.interval.seconds=10
EOF
}

start_kafka() {
  local part=$1 n conf=$STACK_DIR/conf/$1.properties data=$STACK_DIR/data/$1
  n=$(number_kafka "$part")
  own "$data"
  settings_kafka "$n" "$data" >"$conf"
  log4j_kafka "$STACK_DIR/conf/kafka-log4j2.yaml" SYSTEM_OUT INFO
  [ -e "$data/meta.properties" ] || as "$STACK_DIR/bin/kafka-storage" format -t MkU3OEVBNTcwNTJENDM2Qg -c "$conf" >"$STACK_DIR/logs/$part-format.log" 2>&1
  # shellcheck disable=SC2086 # a list of words
  launch "$part" java "-Xms$KAFKA_HEAP" "-Xmx$KAFKA_HEAP" $JVM_OPTIONS -XX:+UseG1GC -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="$STACK_DIR/conf/kafka-log4j2.yaml" -cp "$KAFKA_HOME/libs/*" kafka.Kafka "$conf"
}

ready_kafka() { grep -q 'Kafka Server started' "$STACK_DIR/logs/$1.log"; }

# after_kafka makes __consumer_offsets now: the first consumer would have to
# wait for it.
after_kafka() {
  if compgen -G "$STACK_DIR/data/$1/__consumer_offsets-*" >/dev/null; then return; fi
  "$STACK_DIR/bin/kafka-consumer-groups" --bootstrap-server "$(brokers_kafka)" --describe --group warm-up >/dev/null 2>&1 || true
}
