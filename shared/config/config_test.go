package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

type kafkaSection struct {
	Brokers []string      `mapstructure:"brokers"`
	Timeout time.Duration `mapstructure:"dial_timeout"`
	Weight  float64       `mapstructure:"weight"`
}

func (c kafkaSection) Validate() []error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: at least one is needed"))
	}
	if c.Timeout <= 0 {
		errs = append(errs, errors.New("dial_timeout: must be positive"))
	}
	return errs
}

type httpSection struct {
	Listen string `mapstructure:"listen"`
}

type ingestSection struct {
	HTTP    httpSection `mapstructure:"http"`
	Queue   int         `mapstructure:"queue"`
	Small   int8        `mapstructure:"small"`
	Seats   uint16      `mapstructure:"seats"`
	Forward bool        `mapstructure:"forward_writes"`
}

type mysqlSection struct {
	User     string `mapstructure:"user"`
	Password Secret `mapstructure:"password"`
}

type root struct {
	Kafka  kafkaSection  `mapstructure:"kafka"`
	Ingest ingestSection `mapstructure:"ingest"`
	MySQL  mysqlSection  `mapstructure:"mysql"`
}

func defaults() root {
	return root{
		Kafka:  kafkaSection{Brokers: []string{"127.0.0.1:9092"}, Timeout: 3 * time.Second, Weight: 1},
		Ingest: ingestSection{HTTP: httpSection{Listen: ":8000"}, Queue: 10, Seats: 3},
		MySQL:  mysqlSection{User: "chatlog"},
	}
}

// file writes a config.yaml; an empty text is no file at all.
func file(t *testing.T, name, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		env        []string
		change     func(*root)
	}{
		{name: "nothing given: the defaults", change: func(*root) {}},
		{name: "file", yaml: "kafka:\n  brokers: [a:1, b:2]\n  dial_timeout: 250ms\n  weight: 2\ningest:\n  queue: 7\n  small: -128\n  seats: 65535\n  forward_writes: true\n  http:\n    listen: 127.0.0.1:1\n",
			change: func(r *root) {
				r.Kafka = kafkaSection{Brokers: []string{"a:1", "b:2"}, Timeout: 250 * time.Millisecond, Weight: 2}
				r.Ingest = ingestSection{HTTP: httpSection{Listen: "127.0.0.1:1"}, Queue: 7, Small: -128, Seats: 65535, Forward: true}
			}},
		{name: "every kind of variable", env: []string{"CHATLOG_KAFKA_BROKERS=a:1, b:2,", "CHATLOG_KAFKA_DIAL_TIMEOUT=1m", "CHATLOG_KAFKA_WEIGHT=0.5",
			"CHATLOG_INGEST_QUEUE=-1", "CHATLOG_INGEST_SMALL=127", "CHATLOG_INGEST_SEATS=9", "CHATLOG_INGEST_FORWARD_WRITES=true",
			"CHATLOG_INGEST_HTTP_LISTEN=:9", "CHATLOG_MYSQL_USER=a=b", "CHATLOG_MYSQL_PASSWORD=123"},
			change: func(r *root) {
				r.Kafka = kafkaSection{Brokers: []string{"a:1", "b:2"}, Timeout: time.Minute, Weight: 0.5}
				r.Ingest = ingestSection{HTTP: httpSection{Listen: ":9"}, Queue: -1, Small: 127, Seats: 9, Forward: true}
				r.MySQL = mysqlSection{User: "a=b", Password: "123"}
			}},
		{name: "the environment wins", yaml: "ingest: {queue: 7, seats: 5}", env: []string{"CHATLOG_INGEST_QUEUE=8"},
			change: func(r *root) { r.Ingest.Queue, r.Ingest.Seats = 8, 5 }},
		{name: "sections of other services are let be", yaml: "query: {anything: [1, {x: y}]}\nsinks:\n  batch: 5\n",
			env: []string{"CHATLOG_QUERY_ANYTHING=1"}, change: func(*root) {}},
		{name: "a section whose keys are all commented out", yaml: "kafka:\n  # brokers: [x:1]\ningest:\n  http:\n", change: func(*root) {}},
		{name: "an empty key keeps its default", yaml: "ingest:\n  queue:\n", change: func(*root) {}},
		{name: "an empty file", yaml: "# nothing\n", change: func(*root) {}},
		{name: "variables that are not ours", env: []string{"PATH=/bin", "CHATLOGX=1", "CHATLOG_TEST_KAFKA=a:1", "odd"}, change: func(*root) {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := defaults(), defaults()
			c.change(&want)
			if err := Load(file(t, "config.yaml", c.yaml), c.env, &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		name, yaml string
		env        []string
		want       string // the one line, which names the key or the variable
	}{
		{name: "an unknown key", yaml: "kafka: {brokrs: [a:1]}", want: "kafka.brokrs"},
		{name: "an unknown key deeper down", yaml: "ingest: {http: {lisen: x}}", want: "ingest.http.lisen"},
		{name: "an unknown section", yaml: "kafak: {brokers: [a:1]}", want: "kafak"},
		{name: "a key below a key", yaml: "ingest: {queue: {size: 5}}", want: "ingest.queue"},
		{name: "a section that is no section", yaml: "kafka: 5", want: "kafka"},
		{name: "an unknown variable of our section", env: []string{"CHATLOG_KAFKA_BROKRS=a:1"}, want: "CHATLOG_KAFKA_BROKRS"},
		{name: "a variable of an unknown section", env: []string{"CHATLOG_KAFAK_BROKERS=a:1"}, want: "CHATLOG_KAFAK_BROKERS"},
		{name: "a text for a number", yaml: "ingest: {queue: many}", want: "ingest.queue"},
		{name: "a quoted number", yaml: `ingest: {queue: "7"}`, want: "ingest.queue"},
		{name: "a fraction for a whole number", yaml: "ingest: {queue: 1.5}", want: "ingest.queue"},
		{name: "a number that does not fit", yaml: "ingest: {small: 200}", want: "ingest.small"},
		{name: "a number far too large", yaml: "ingest: {queue: 18446744073709551615}", want: "ingest.queue"},
		{name: "a negative number of seats", yaml: "ingest: {seats: -1}", want: "ingest.seats"},
		{name: "a number for a text", yaml: "mysql: {user: 5}", want: "mysql.user"},
		{name: "a number for a secret", yaml: "mysql: {password: 5}", want: "mysql.password"},
		{name: "a text for a list", yaml: "kafka: {brokers: a:1}", want: "kafka.brokers"},
		{name: "numbers in a list of texts", yaml: "kafka: {brokers: [1]}", want: "kafka.brokers"},
		{name: "a text for a bool", yaml: `ingest: {forward_writes: "true"}`, want: "ingest.forward_writes"},
		{name: "a duration without a unit", yaml: "kafka: {dial_timeout: 5}", want: "kafka.dial_timeout"},
		{name: "a fraction for a duration", yaml: "kafka: {dial_timeout: 5.5}", want: "kafka.dial_timeout"},
		{name: "a duration that is none", yaml: "kafka: {dial_timeout: soon}", want: "kafka.dial_timeout"},
		{name: "a variable that is no number", env: []string{"CHATLOG_INGEST_QUEUE=1e3"}, want: "CHATLOG_INGEST_QUEUE"},
		{name: "a variable that does not fit", env: []string{"CHATLOG_INGEST_SMALL=200"}, want: "CHATLOG_INGEST_SMALL"},
		{name: "a variable that is no bool", env: []string{"CHATLOG_INGEST_FORWARD_WRITES=maybe"}, want: "CHATLOG_INGEST_FORWARD_WRITES"},
		{name: "a variable that is no duration", env: []string{"CHATLOG_KAFKA_DIAL_TIMEOUT=5"}, want: "CHATLOG_KAFKA_DIAL_TIMEOUT"},
		{name: "an empty number", env: []string{"CHATLOG_INGEST_QUEUE="}, want: "CHATLOG_INGEST_QUEUE"},
		{name: "what Validate finds", env: []string{"CHATLOG_KAFKA_BROKERS="}, want: "kafka.brokers: at least one is needed"},
		{name: "a file that is no YAML", yaml: "kafka: [", want: "config.yaml"},
		{name: "a key given twice", yaml: "ingest:\n  queue: 1\n  queue: 2\n", want: "queue"},
		{name: "a secret's file that is not there", yaml: "mysql: {password_file: /nonexistent/p}", want: "mysql.password_file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := defaults()
			err := Load(file(t, "config.yaml", c.yaml), c.env, &got)
			if err == nil {
				t.Fatalf("taken: %+v", got)
			}
			if lines := strings.Split(err.Error(), "\n"); !strings.Contains(err.Error(), c.want) || len(lines) != 1 && c.name != "a key given twice" {
				t.Errorf("want one line with %q, got:\n%v", c.want, err)
			}
		})
	}
}

func TestLoadTellsEverythingAtOnceInAStableOrder(t *testing.T) {
	path := file(t, "config.yaml", "nobody: {x: 1}\nkafka: {brokrs: [a], dial_timeout: 0s, weight: heavy}\ningest: {queue: many}\n")
	env := []string{"CHATLOG_INGEST_SEATS=x", "CHATLOG_MYSQL_USR=x"}
	var first string
	for range 20 {
		got := defaults()
		err := Load(path, env, &got)
		if err == nil {
			t.Fatal("taken")
		}
		for _, want := range []string{"nobody", "kafka.brokrs", "kafka.dial_timeout: must be positive", "kafka.weight", "ingest.queue", "CHATLOG_INGEST_SEATS", "CHATLOG_MYSQL_USR"} {
			if n := strings.Count(err.Error(), want); n != 1 {
				t.Fatalf("%q is told %d times in:\n%v", want, n, err)
			}
		}
		if first == "" {
			first = err.Error()
		} else if err.Error() != first {
			t.Fatalf("order changes:\n%v\n\n%v", first, err)
		}
	}
}

func TestLoadOfAFileThatIsNotThere(t *testing.T) {
	got := defaults()
	path := filepath.Join(t.TempDir(), "none.yaml")
	if err := Load(path, nil, &got); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Fatalf("got %v", err)
	}
}

func TestSecretFromAFile(t *testing.T) {
	secret := file(t, "password", "pass word \n")
	for _, c := range []struct {
		name, yaml string
		env        []string
	}{
		{"named by the file", "mysql: {password_file: " + secret + "}", nil},
		{"named by a variable", "", []string{"CHATLOG_MYSQL_PASSWORD_FILE=" + secret}},
	} {
		got := defaults()
		if err := Load(file(t, "config.yaml", c.yaml), c.env, &got); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got.MySQL.Password.Reveal() != "pass word " { // only the line's end goes
			t.Errorf("%s: %q", c.name, got.MySQL.Password.Reveal())
		}
	}
	got := defaults()
	err := Load("", []string{"CHATLOG_MYSQL_PASSWORD_FILE=" + secret, "CHATLOG_MYSQL_PASSWORD=x"}, &got)
	if err == nil || !strings.Contains(err.Error(), "mysql.password") {
		t.Errorf("both were taken: %v", err)
	}
}

func TestSecretNeverShows(t *testing.T) {
	const hidden = "hunter2"
	s := Secret(hidden)
	section := mysqlSection{User: "u", Password: s}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s", "%U"} {
		fmt.Fprintf(&shown, verb+"\n", s)
		fmt.Fprintf(&shown, verb+"\n", section)
		fmt.Fprintf(&shown, verb+"\n", &section)
		fmt.Fprintf(&shown, verb+"\n", []Secret{s})
	}
	fmt.Fprintln(&shown, s, section, errors.New(s.String()))
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&shown, nil), slog.NewTextHandler(&shown, nil)} {
		slog.New(handler).Info("x", "secret", s, "section", section, "list", []Secret{s})
	}
	if err := json.NewEncoder(&shown).Encode(map[string]any{"s": s, "section": section}); err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{hidden, "unter", fmt.Sprintf("%x", hidden), fmt.Sprintf("%X", hidden)} {
		if strings.Contains(shown.String(), form) {
			t.Errorf("%q shows in:\n%s", form, shown.String())
		}
	}
	if s.Reveal() != hidden {
		t.Errorf("Reveal gives %q", s.Reveal())
	}
}

// A wrong value of a secret, or beside one, must not be quoted in an error.
func TestErrorsHoldNoSecret(t *testing.T) {
	for _, yaml := range []string{"mysql: {password: [hunter2]}", "mysql: {password: hunter2, passwrd: hunter2}", "mysql: {password: {hunter2: 1}}\nkafka: hunter2"} {
		got := defaults()
		err := Load(file(t, "config.yaml", yaml), nil, &got)
		if err == nil {
			t.Fatalf("taken: %s", yaml)
		}
		if strings.Contains(strings.ReplaceAll(err.Error(), "unknown key mysql.password.hunter2", ""), "hunter2") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
}
