package config

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// FuzzLoad: whatever a file and a variable hold, it is taken and then valid, and
// the same when read again; or refused, and no refusal tells the secret.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"", "kafka:\n  brokers: [a:1, b:2]\n  dial_timeout: 250ms\n  weight: 2\n", "ingest: {queue: 7, seats: 5, http: {listen: ':1'}}",
		"mysql: {user: u, password: s3cr3t-s3cr3t}", "mysql: [1]", "mysql: {password: {s3cr3t-s3cr3t: 1}}", "kafka: {dial_timeout: 5}", "{", "\t", "a: &a [*a]", "? {}", "mysql: {password_file: /nowhere}",
		"ingest: {queue: .inf, small: 1e2, seats: 0x10}", "kafka: {brokers: 1, weight: '2'}"} {
		f.Add([]byte(seed), "CHATLOG_MYSQL_PASSWORD", "s3cr3t-s3cr3t")
		f.Add([]byte(seed), "CHATLOG_INGEST_QUEUE", "s3cr3t-s3cr3t")
	}
	path := filepath.Join(f.TempDir(), "config.yaml")
	f.Fuzz(func(t *testing.T, yaml []byte, name, value string) {
		// Files are read for secrets, but not whichever the fuzzer comes to name.
		if bytes.Contains(yaml, []byte("_file")) && !bytes.Contains(yaml, []byte("/nowhere")) || strings.HasSuffix(name, "_FILE") {
			return
		}
		if err := os.WriteFile(path, yaml, 0o600); err != nil {
			t.Fatal(err)
		}
		environ := []string{name + "=" + value}
		got, again := defaults(), defaults()
		err := Load(path, environ, &got)
		if other := Load(path, environ, &again); (other == nil) != (err == nil) {
			t.Fatalf("first %v, then %v", err, other)
		}
		if err != nil {
			if name == "CHATLOG_MYSQL_PASSWORD" && len(value) > 8 && !bytes.Contains(yaml, []byte(value)) && strings.Contains(err.Error(), value) {
				t.Fatalf("the secret is told: %v", err)
			}
			return
		}
		if !reflect.DeepEqual(got, again) && got.Kafka.Weight == got.Kafka.Weight {
			t.Fatalf("first %+v, then %+v", got, again)
		}
		if errs := got.Kafka.Validate(); len(errs) > 0 {
			t.Fatalf("%q is taken and not valid: %v", yaml, errs)
		}
		if name == "CHATLOG_MYSQL_PASSWORD" && got.MySQL.Password.Reveal() != value {
			t.Fatalf("the variable does not win: %q", got.MySQL.Password.Reveal())
		}
	})
}
