package secure

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/segmentio/kafka-go"

	"chatlog/shared/config"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/redisconn"
	"chatlog/shared/searchconn"
	"chatlog/shared/tlsconf"
)

// TLS trusts the authority.
func (p *Parts) TLS() tlsconf.Client { return tlsconf.Client{Enabled: true, CAFile: p.Client.CA} }

// KafkaConfig is how a user comes to the broker.
func (p *Parts) KafkaConfig(mechanism, user string) kafkaconn.Config {
	cfg := kafkaconn.Default()
	cfg.Brokers, cfg.TLS = []string{p.Kafka}, p.TLS()
	cfg.SASL = kafkaconn.SASL{Mechanism: mechanism, Username: user, Password: config.Secret(p.Password(user))}
	return cfg
}

// MySQLConfig is how the user chatlog comes to the database.
func (p *Parts) MySQLConfig() mysqlconn.Config {
	cfg := mysqlconn.Default()
	cfg.Address, cfg.User, cfg.Password, cfg.TLS = p.MySQL, "chatlog", config.Secret(p.Password("mysql")), p.TLS()
	return cfg
}

// RedisConfig is how the user chatlog comes to Redis.
func (p *Parts) RedisConfig() redisconn.Config {
	cfg := redisconn.Default()
	cfg.Address, cfg.Username, cfg.Password, cfg.TLS = p.Redis, "chatlog", config.Secret(p.Password("redis")), p.TLS()
	return cfg
}

// SearchConfig is how a user comes to Elasticsearch.
func (p *Parts) SearchConfig(user string) searchconn.Config {
	cfg := searchconn.Default()
	cfg.Addresses, cfg.TLS = []string{"https://" + p.Search}, p.TLS()
	cfg.Username, cfg.Password = user, config.Secret(p.Password(user))
	return cfg
}

// KeyConfig is how an API key of a user comes to Elasticsearch.
func (p *Parts) KeyConfig(user string) searchconn.Config {
	cfg := p.SearchConfig("")
	cfg.Username, cfg.Password, cfg.APIKey = "", "", config.Secret(p.Key(user))
	return cfg
}

func (p *Parts) readyKafka(ctx context.Context) error {
	conn := kafkaconn.Open(p.KafkaConfig("PLAIN", "admin"))
	defer conn.Close()
	_, err := conn.Client().Metadata(ctx, &kafka.MetadataRequest{})
	return err
}

func (p *Parts) readyRedis(ctx context.Context) error {
	client := redisconn.Open(p.RedisConfig())
	defer client.Close()
	return client.Ping(ctx).Err()
}

// usersOfMySQL makes chatlog, who needs TLS and may do everything with its
// database, and query, who needs a certificate and may only read it. root comes
// over the socket.
func (p *Parts) usersOfMySQL(ctx context.Context) error {
	db, err := sql.Open("mysql", fmt.Sprintf("root@unix(%s)/", filepath.Join(p.dir, "mysql", "run", "mysql", "socket")))
	if err != nil {
		return err
	}
	defer db.Close()
	for _, statement := range []string{
		"CREATE DATABASE IF NOT EXISTS chatlog",
		"CREATE USER IF NOT EXISTS 'chatlog'@'%' IDENTIFIED BY '" + p.Password("mysql") + "' REQUIRE SSL",
		"GRANT ALL ON chatlog.* TO 'chatlog'@'%'",
		"CREATE USER IF NOT EXISTS 'query'@'%' IDENTIFIED BY '" + p.Password("query") + "' REQUIRE X509",
		"GRANT SELECT ON chatlog.* TO 'query'@'%'",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func (p *Parts) readySearch(ctx context.Context) error {
	return p.askSearch(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=5s", "", nil)
}

// keyCommand is how a page shows the making of an API key.
var keyCommand = regexp.MustCompile(`(?m)^    curl .* https://\$ES(/_security/api_key) -d '(\{.*\})'$`)

// MakeKeys makes the API keys whose commands a page shows; Key gives them.
func (p *Parts) MakeKeys(ctx context.Context, page string) error {
	p.keys = map[string]string{}
	for _, command := range keyCommand.FindAllStringSubmatch(page, -1) {
		var made struct{ Name, Encoded string }
		if err := p.askSearch(ctx, http.MethodPost, command[1], command[2], &made); err != nil {
			return err
		}
		p.keys[made.Name] = made.Encoded
	}
	if p.keys["sinks"] == "" || p.keys["query"] == "" {
		return errors.New("the page shows no API key of the sinks, or none of query")
	}
	return nil
}

// askSearch asks Elasticsearch as the user admin.
func (p *Parts) askSearch(ctx context.Context, method, path, body string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, method, "https://"+p.Search+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.SetBasicAuth("admin", p.Password("admin"))
	request.Header.Set("Content-Type", "application/json")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: p.CA.Trust()}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("elasticsearch answers %d: %s", response.StatusCode, said)
	}
	if err != nil || answer == nil {
		return err
	}
	return json.Unmarshal(said, answer)
}
