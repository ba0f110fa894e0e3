# shellcheck shell=bash
# Kafka in KRaft mode from its Maven artifacts: one node, or three that are
# brokers and controllers at once.
KAFKA_HOME=$DIST/kafka-$KAFKA_VERSION
KAFKA_FORMAT=() # more arguments of the format of an empty disk

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

# replace FILE MODE: puts what is read in the file's place at once: others may
# read it while one broker of several is started.
replace() {
  cat >"$1.$$"
  chmod "$2" "$1.$$"
  mv "$1.$$" "$1"
}

log4j_kafka() { # FILE TARGET LEVEL
  replace "$1" 644 <<EOF
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
    replace "$STACK_DIR/bin/$name" 755 <<EOF
#!/bin/sh
exec java \${KAFKA_OPTS:--Xmx256m} -Dlog4j2.configurationFile=$STACK_DIR/conf/kafka-tools-log4j2.yaml -cp "$KAFKA_HOME/libs/*" $class "\$@"
EOF
  done <<EOF
kafka-topics org.apache.kafka.tools.TopicCommand
kafka-consumer-groups org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
kafka-console-consumer org.apache.kafka.tools.consumer.ConsoleConsumer
kafka-console-producer org.apache.kafka.tools.ConsoleProducer
kafka-reassign-partitions org.apache.kafka.tools.reassign.ReassignPartitionsCommand
kafka-leader-election org.apache.kafka.tools.LeaderElectionCommand
kafka-log-dirs org.apache.kafka.tools.LogDirsCommand
kafka-metadata-quorum org.apache.kafka.tools.MetadataQuorumCommand
kafka-get-offsets org.apache.kafka.tools.GetOffsetShell
kafka-delete-records org.apache.kafka.tools.DeleteRecordsCommand
kafka-configs kafka.admin.ConfigCommand
kafka-storage kafka.tools.StorageTool
kafka-acls org.apache.kafka.tools.AclCommand
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

# cluster_kafka: the cluster's id. Three brokers have another than one: those
# that share it and, by mistake, the ports would take each other for voters, and
# the one broker dies of that.
cluster_kafka() { if ((KAFKA_BROKERS > 1)); then echo Y2hhdGxvZy1vZi10aHJlZQ; else echo MkU3OEVBNTcwNTJENDM2Qg; fi; }

# alone_kafka: fails when brokers of the other KAFKA_BROKERS run in this folder;
# they hold the ports.
alone_kafka() {
  local part
  for part in kafka kafka-1 kafka-2 kafka-3; do
    case " $KAFKA_PARTS " in *" $part "*) continue ;; esac
    if alive "$part"; then fail "$part runs in $STACK_DIR: stop it first, with the KAFKA_BROKERS it was started with"; fi
  done
}

# settings_kafka N DATA: a broker's properties. Brokers speak with each other
# over PLAINTEXT; only clients come through PROXIED.
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

# failover_kafka: what is acked, committed offsets too, lies on two disks, and no
# broker that lacks it may lead. A broker that dies is replaced after about 3 s
# instead of 9, one that comes back leads again after 10 s instead of 300: drills
# kill many. The log cleaner takes its buffer at start: 128 MB are too much of a
# small heap, 16 MB are enough for 700,000 keys.
failover_kafka() {
  cat <<EOF
min.insync.replicas=2
unclean.leader.election.enable=false
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=1000
controller.quorum.fetch.timeout.ms=2000
controller.quorum.election.backoff.max.ms=500
replica.lag.time.max.ms=5000
leader.imbalance.check.interval.seconds=10
log.cleaner.dedupe.buffer.size=16777216
EOF
}

start_kafka() {
  local part=$1 n conf=$STACK_DIR/conf/$1.properties data=$STACK_DIR/data/$1
  n=$(number_kafka "$part")
  alone_kafka
  own "$data"
  settings_kafka "$n" "$data" >"$conf"
  log4j_kafka "$STACK_DIR/conf/kafka-log4j2.yaml" SYSTEM_OUT INFO
  [ -e "$data/meta.properties" ] || as "$STACK_DIR/bin/kafka-storage" format -t "$(cluster_kafka)" -c "$conf" "${KAFKA_FORMAT[@]}" >"$STACK_DIR/logs/$part-format.log" 2>&1
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
