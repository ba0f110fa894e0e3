# shellcheck shell=bash
# Kafka in KRaft mode, one node, from its Maven artifacts.
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

start_kafka() {
  local conf=$STACK_DIR/conf/kafka.properties data=$STACK_DIR/data/kafka
  own "$data"
  cat >"$conf" <<EOF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$KAFKA_CONTROLLER_PORT
listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT,CONTROLLER://127.0.0.1:$KAFKA_CONTROLLER_PORT
advertised.listeners=PLAINTEXT://127.0.0.1:$KAFKA_PORT
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=$data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=10
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
EOF
  log4j_kafka "$STACK_DIR/conf/kafka-log4j2.yaml" SYSTEM_OUT INFO
  [ -e "$data/meta.properties" ] || as "$STACK_DIR/bin/kafka-storage" format -t MkU3OEVBNTcwNTJENDM2Qg -c "$conf" >"$STACK_DIR/logs/kafka-format.log" 2>&1
  launch kafka java "-Xms$KAFKA_HEAP" "-Xmx$KAFKA_HEAP" -XX:+UseG1GC -Djava.awt.headless=true \
    -Dlog4j2.configurationFile="$STACK_DIR/conf/kafka-log4j2.yaml" -cp "$KAFKA_HOME/libs/*" kafka.Kafka "$conf"
}

ready_kafka() { grep -q 'Kafka Server started' "$STACK_DIR/logs/kafka.log"; }

# after_kafka makes __consumer_offsets now: the first consumer would have to
# wait for it.
after_kafka() { "$STACK_DIR/bin/kafka-consumer-groups" --bootstrap-server "127.0.0.1:$KAFKA_PORT" --describe --group warm-up >/dev/null 2>&1 || true; }

port_kafka() { echo "$KAFKA_PORT"; }
