package secure

import (
	"context"
	"strings"
	"testing"
	"time"

	"chatlog/shared/config"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/redisconn"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/tlsconf"

	"github.com/segmentio/kafka-go"
)

// way is one way to come to a part, and what must come of it.
type way struct {
	name string
	try  func(context.Context) error
	want string // a part of the error; empty: none
}

// tryAll tries every way; no error may tell a secret.
func tryAll(t *testing.T, p *Parts, ways []way) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := w.try(ctx)
			switch {
			case w.want == "" && err != nil:
				t.Error(err)
			case w.want != "" && (err == nil || !strings.Contains(err.Error(), w.want)):
				t.Errorf("%v, and must say %q", err, w.want)
			case err != nil && p.Tells(err.Error()) >= 0:
				t.Errorf("tells a secret: %v", err)
			case err != nil:
				t.Log(err)
			}
		})
	}
}

func TestRealSecuredKafka(t *testing.T) {
	p := secured(t)
	// connect uses both ways to a broker: the one of requests, and the one of groups.
	connect := func(mechanism, user string, change func(*kafkaconn.Config)) func(context.Context) error {
		return func(ctx context.Context) error {
			cfg := p.KafkaConfig(mechanism, user)
			if change != nil {
				change(&cfg)
			}
			if errs := cfg.Validate(); len(errs) > 0 {
				t.Fatal(errs)
			}
			conn := kafkaconn.Open(cfg)
			defer conn.Close()
			if _, err := conn.Client().Metadata(ctx, &kafka.MetadataRequest{}); err != nil {
				return err
			}
			c, err := cfg.Dialer().DialContext(ctx, "tcp", cfg.Brokers[0])
			if err != nil {
				return err
			}
			defer c.Close()
			_, err = c.Brokers()
			return err
		}
	}
	mutual := func(certificate bool) func(*kafkaconn.Config) {
		return func(c *kafkaconn.Config) {
			c.Brokers, c.SASL = []string{p.Mutual}, kafkaconn.SASL{}
			if certificate {
				c.TLS.CertFile, c.TLS.KeyFile = p.Client.Cert, p.Client.Key
			}
		}
	}
	tryAll(t, p, []way{
		{"PLAIN", connect("PLAIN", "query", nil), ""},
		{"SCRAM-SHA-256", connect("SCRAM-SHA-256", "sinks", nil), ""},
		{"SCRAM-SHA-512", connect("SCRAM-SHA-512", "ingest", nil), ""},
		{"a client's certificate", connect("", "", mutual(true)), ""},
		{"no certificate", connect("", "", mutual(false)), "tls: "},
		{"PLAIN with another's password", connect("PLAIN", "query", func(c *kafkaconn.Config) { c.SASL.Password = config.Secret(p.Password("ingest")) }), "Authentication Failed"},
		{"SCRAM-SHA-256 with a wrong password", connect("SCRAM-SHA-256", "sinks", func(c *kafkaconn.Config) { c.SASL.Password += "x" }), "Authentication Failed"},
		{"SCRAM-SHA-512 with a wrong password", connect("SCRAM-SHA-512", "ingest", func(c *kafkaconn.Config) { c.SASL.Password += "x" }), "Authentication Failed"},
		{"nobody's name", connect("SCRAM-SHA-512", "ingest", func(c *kafkaconn.Config) { c.SASL.Username = "nobody" }), "Authentication Failed"},
		{"another authority", connect("PLAIN", "query", func(c *kafkaconn.Config) { c.TLS.CAFile = p.Other.CA }), "unknown authority"},
		{"another server name", connect("PLAIN", "query", func(c *kafkaconn.Config) { c.TLS.ServerName = "elsewhere" }), "elsewhere"},
		{"the certificate's server name", connect("PLAIN", "query", func(c *kafkaconn.Config) { c.TLS.ServerName = "server" }), ""},
		{"a plain connection", connect("SCRAM-SHA-512", "ingest", func(c *kafkaconn.Config) { c.TLS = tlsconf.Client{}; c.RequestTimeout = 2 * time.Second }), "EOF"},
	})
}

func TestRealSecuredMySQL(t *testing.T) {
	p := secured(t)
	connect := func(change func(*mysqlconn.Config)) func(context.Context) error {
		return func(ctx context.Context) error {
			cfg := p.MySQLConfig()
			change(&cfg)
			if errs := cfg.Validate(); len(errs) > 0 {
				t.Fatal(errs)
			}
			db, err := mysqlconn.Open(cfg)
			if err != nil {
				return err
			}
			defer db.Close()
			var name, cipher string
			if err := db.QueryRowContext(ctx, "SHOW STATUS LIKE 'Ssl_cipher'").Scan(&name, &cipher); err != nil {
				return err
			}
			if cipher == "" {
				t.Error("it is not encrypted")
			}
			return nil
		}
	}
	query := func(c *mysqlconn.Config) {
		c.User, c.Password = "query", config.Secret(p.Password("query"))
	}
	tryAll(t, p, []way{
		{"TLS and a password", connect(func(*mysqlconn.Config) {}), ""},
		{"a client's certificate", connect(func(c *mysqlconn.Config) { query(c); c.TLS.CertFile, c.TLS.KeyFile = p.Client.Cert, p.Client.Key }), ""},
		{"no certificate", connect(query), "Access denied"},
		{"another authority's certificate", connect(func(c *mysqlconn.Config) { query(c); c.TLS.CertFile, c.TLS.KeyFile = p.Other.Cert, p.Other.Key }), "connection"},
		{"a wrong password", connect(func(c *mysqlconn.Config) { c.Password += "x" }), "Access denied"},
		{"another authority", connect(func(c *mysqlconn.Config) { c.TLS.CAFile = p.Other.CA }), "unknown authority"},
		{"another server name", connect(func(c *mysqlconn.Config) { c.TLS.ServerName = "elsewhere" }), "elsewhere"},
		{"a plain connection", connect(func(c *mysqlconn.Config) { c.TLS = tlsconf.Client{} }), "Access denied"},
	})
}

func TestRealSecuredRedis(t *testing.T) {
	p := secured(t)
	connect := func(change func(*redisconn.Config)) func(context.Context) error {
		return func(ctx context.Context) error {
			cfg := p.RedisConfig()
			change(&cfg)
			if errs := cfg.Validate(); len(errs) > 0 {
				t.Fatal(errs)
			}
			client := redisconn.Open(cfg)
			defer client.Close()
			return client.Set(ctx, cfg.Prefix+"x", "y", time.Minute).Err()
		}
	}
	tryAll(t, p, []way{
		{"TLS and a user", connect(func(*redisconn.Config) {}), ""},
		{"keys that are not the user's", connect(func(c *redisconn.Config) { c.Prefix = "other:" }), "NOPERM"},
		{"a wrong password", connect(func(c *redisconn.Config) { c.Password += "x" }), "WRONGPASS"},
		{"no user", connect(func(c *redisconn.Config) { c.Username, c.Password = "", "" }), "NOAUTH"},
		{"another authority", connect(func(c *redisconn.Config) { c.TLS.CAFile = p.Other.CA }), "unknown authority"},
		{"another server name", connect(func(c *redisconn.Config) { c.TLS.ServerName = "elsewhere" }), "elsewhere"},
		{"a plain connection", connect(func(c *redisconn.Config) { c.TLS = tlsconf.Client{} }), "E"}, // reset or EOF
	})
}

func TestRealSecuredElasticsearch(t *testing.T) {
	p := secured(t)
	ask := func(cfg searchconn.Config, alias string, change func(*searchconn.Config), do func(*elastic.Index, context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			cfg.Alias = alias
			if change != nil {
				change(&cfg)
			}
			if errs := cfg.Validate(); len(errs) > 0 {
				t.Fatal(errs)
			}
			index, err := elastic.Open(cfg, 1)
			if err != nil {
				return err
			}
			defer index.Close()
			return do(index, ctx)
		}
	}
	connect := func(user string, change func(*searchconn.Config)) func(context.Context) error {
		return ask(p.SearchConfig(user), "chatlog-messages-connections", change, (*elastic.Index).Refresh)
	}
	byKey := func(user string, change func(*searchconn.Config)) func(context.Context) error {
		return ask(p.KeyConfig(user), "chatlog-messages-connections", change, (*elastic.Index).Refresh)
	}
	makes := func(user string) func(context.Context) error {
		return ask(p.KeyConfig(user), "chatlog-messages-keys", nil, (*elastic.Index).Prepare)
	}
	tryAll(t, p, []way{
		{"a user; the index is not made yet", connect("query", nil), "404"},
		{"a wrong password", connect("query", func(c *searchconn.Config) { c.Password += "x" }), "401"},
		{"nobody", connect("query", func(c *searchconn.Config) { c.Username, c.Password = "", "" }), "401"},
		{"an index that is not the user's", connect("query", func(c *searchconn.Config) { c.Alias = "others" }), "403"},
		{"another authority", connect("query", func(c *searchconn.Config) { c.TLS.CAFile = p.Other.CA }), "unknown authority"},
		{"another server name", connect("query", func(c *searchconn.Config) { c.TLS.ServerName = "elsewhere" }), "elsewhere"},
		{"a plain connection", connect("query", func(c *searchconn.Config) { c.Addresses, c.TLS = []string{"http://" + p.Search}, tlsconf.Client{} }), "E"},
		{"an API key; the index is not made yet", byKey("query", nil), "404"},
		{"an API key, for an index that is not its own", byKey("query", func(c *searchconn.Config) { c.Alias = "others" }), "403"},
		{"an API key that is none", byKey("query", func(c *searchconn.Config) { c.APIKey = "AA" + c.APIKey[2:] }), "401"},
		{"an API key that may not make the index", makes("query"), "403"},
		{"an API key that may", makes("sinks"), ""},
	})
}
