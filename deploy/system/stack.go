package system

import "os"

// OfStack is the parts of make stack-up, or where the variables of the tests say
// that they are.
func OfStack() Parts {
	at := func(variable, otherwise string) string {
		if value := os.Getenv(variable); value != "" {
			return value
		}
		return otherwise
	}
	return Parts{Kafka: at("CHATLOG_TEST_KAFKA", "127.0.0.1:19092"), MySQL: at("CHATLOG_TEST_MYSQL", "127.0.0.1:13306"), User: "chat", Password: "chat",
		Elasticsearch: "http://" + at("CHATLOG_TEST_ELASTICSEARCH", "127.0.0.1:19200"), Redis: at("CHATLOG_TEST_REDIS", "127.0.0.1:16379")}
}
