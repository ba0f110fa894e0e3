// Package parts tells tests where the real Kafka, MySQL, Elasticsearch and
// Redis are. A part that is not there skips the test, loudly; with CI=true that
// is a failure.
package parts

import (
	"net"
	"os"
	"testing"
	"time"

	"chatlog/shared/config"
	"chatlog/shared/mysqlconn"
)

// address finds a part by its variable or its default address.
func address(t testing.TB, name, variable, otherwise string) string {
	t.Helper()
	at := os.Getenv(variable)
	if at == "" {
		at = otherwise
	}
	c, err := net.DialTimeout("tcp", at, 2*time.Second)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("REAL PART MISSING: no %s at %s (%s)", name, at, variable)
		}
		t.Skipf("REAL PART MISSING: no %s at %s (%s): start it with make stack-up", name, at, variable)
	}
	c.Close()
	return at
}

// Kafka gives the address of a broker.
func Kafka(t testing.TB) string {
	return address(t, "Kafka", "CHATLOG_TEST_KAFKA", "127.0.0.1:19092")
}

// Redis gives the address of a Redis.
func Redis(t testing.TB) string {
	return address(t, "Redis", "CHATLOG_TEST_REDIS", "127.0.0.1:16379")
}

// Elasticsearch gives the base URL of a node.
func Elasticsearch(t testing.TB) string {
	return "http://" + address(t, "Elasticsearch", "CHATLOG_TEST_ELASTICSEARCH", "127.0.0.1:19200")
}

// MySQL gives a server on which the user may make databases.
func MySQL(t testing.TB) mysqlconn.Config {
	cfg := mysqlconn.Default()
	cfg.Address = address(t, "MySQL", "CHATLOG_TEST_MYSQL", "127.0.0.1:13306")
	cfg.User, cfg.Password, cfg.Database = "chat", config.Secret("chat"), "chat"
	return cfg
}
