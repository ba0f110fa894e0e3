package world

// Ports of the stack before the offset, as deploy/stack/settings.sh has them.
const (
	kafkaPort         = 19092 // of the first broker; the next ones lie 2 apart
	kafkaProxiedPort  = 19072 // below those that proxies forward to
	elasticsearchPort = 19200
	mysqlPort         = 13306
	redisPort         = 16379
)

// programPort is that of the first of the services, as is without the offset;
// the others follow. They are not taken from those that the system gives to
// outgoing connections: a service that is down for a while has to find its port
// free, and not another's connection, or another service, on it.
const programPort = 18500

// brokers is how many brokers the campaign's Kafka has.
const brokers = 3

func brokerPort(n int) int  { return kafkaPort + 2*(n-1) }
func proxiedPort(n int) int { return kafkaProxiedPort + n }
