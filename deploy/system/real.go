package system

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of the databases that are made
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Parts says where the real Kafka, MySQL, Elasticsearch and Redis are, and what
// one system calls its own on them.
type Parts struct {
	Kafka         string // host:port, several with commas
	MySQL         string // host:port
	User          string
	Password      string
	Elasticsearch string // base URL
	Redis         string // host:port

	Commands    string // topic
	Imports     string // topic
	DeadLetters string // topic
	Database    string
	Alias       string
	Groups      string // prefix
	Prefix      string // of Redis keys
}

// Of names everything after one word, so that systems with different names
// share servers without seeing one another.
func (p Parts) Of(name string) Parts {
	p.Commands, p.Imports, p.DeadLetters = name+".commands", name+".imports", name+".deadletters"
	p.Database, p.Alias, p.Groups, p.Prefix = name, name+"-messages", name, name
	return p
}

// UniqueName gives a name that no other run has.
func UniqueName(prefix string) string {
	raw := make([]byte, 5)
	rand.Read(raw) // never fails: crypto/rand ends the program instead
	return prefix + hex.EncodeToString(raw)
}

// DSN is the database for go-sql-driver.
func (p Parts) DSN(database string) string {
	return fmt.Sprintf("%s:%s@tcp(%s)/%s?multiStatements=true&timeout=5s&readTimeout=60s", p.User, p.Password, p.MySQL, database)
}

// Env is the settings of all services.
func (p Parts) Env() []string {
	return []string{
		"CHATLOG_KAFKA_BROKERS=" + p.Kafka, "CHATLOG_ELASTICSEARCH_ADDRESSES=" + p.Elasticsearch, "CHATLOG_REDIS_ADDRESS=" + p.Redis,
		"CHATLOG_MYSQL_ADDRESS=" + p.MySQL, "CHATLOG_MYSQL_USER=" + p.User, "CHATLOG_MYSQL_PASSWORD=" + p.Password,
		"CHATLOG_MYSQL_DATABASE=" + p.Database, "CHATLOG_ELASTICSEARCH_ALIAS=" + p.Alias, "CHATLOG_REDIS_PREFIX=" + p.Prefix,
		"CHATLOG_TOPICS_COMMANDS_NAME=" + p.Commands, "CHATLOG_TOPICS_IMPORTS_NAME=" + p.Imports, "CHATLOG_TOPICS_DEADLETTERS_NAME=" + p.DeadLetters,
		"CHATLOG_SINKS_MYSQL_GROUP=" + p.Groups + "-mysql", "CHATLOG_SINKS_SEARCH_GROUP=" + p.Groups + "-search",
		"CHATLOG_INGEST_IMPORTS_GROUP=" + p.Groups + "-imports",
		"CHATLOG_INGEST_TOKEN_SECRET=" + strings.Repeat("5", 64), "CHATLOG_LOG_LEVEL=info", "CHATLOG_LOG_FORMAT=text",
	}
}

// Prepare makes the system's database. Everything else the services make.
func (p Parts) Prepare(ctx context.Context) error {
	return p.sql(ctx, "CREATE DATABASE IF NOT EXISTS `"+p.Database+"`")
}

// Remove removes everything that the system has on the servers.
func (p Parts) Remove(ctx context.Context) error {
	errs := []error{p.DropDatabase(ctx), p.removeTopics(ctx)}
	for _, alias := range []string{p.Alias, p.Alias + "-next", p.Alias + "-old"} { // the last two are of a reindexing
		errs = append(errs, p.removeBehind(ctx, alias))
	}
	return errors.Join(errs...)
}

// DropDatabase removes the database alone.
func (p Parts) DropDatabase(ctx context.Context) error {
	return p.sql(ctx, "DROP DATABASE IF EXISTS `"+p.Database+"`")
}

func (p Parts) sql(ctx context.Context, statement string) error {
	db, err := sql.Open("mysql", p.DSN(""))
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func (p Parts) removeTopics(ctx context.Context) error {
	return p.Admin(func(admin *kadm.Client) error {
		if _, err := admin.DeleteTopics(ctx, p.Commands, p.Imports, p.DeadLetters); err != nil {
			return err
		}
		_, err := admin.DeleteGroups(ctx, p.Groups+"-mysql", p.Groups+"-search", p.Groups+"-imports")
		return err
	})
}

// Admin calls do with a Kafka admin client.
func (p Parts) Admin(do func(*kadm.Client) error) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(p.Kafka, ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	return do(kadm.NewClient(client))
}

// RemoveIndex deletes the indices behind the alias.
func (p Parts) RemoveIndex(ctx context.Context) error { return p.removeBehind(ctx, p.Alias) }

func (p Parts) removeBehind(ctx context.Context, alias string) error {
	behind, err := p.Behind(ctx, alias)
	errs := []error{err}
	for _, index := range behind {
		errs = append(errs, p.AskElasticsearch(ctx, http.MethodDelete, "/"+index, nil, nil))
	}
	return errors.Join(errs...)
}

// Behind lists the indices behind an alias.
func (p Parts) Behind(ctx context.Context, alias string) ([]string, error) {
	var behind map[string]json.RawMessage
	err := p.AskElasticsearch(ctx, http.MethodGet, "/_alias/"+alias, nil, &behind)
	return slices.Sorted(maps.Keys(behind)), err
}

// AskElasticsearch sends a request, with a JSON body if in is not nil, and decodes
// the answer into out. What is not there is no error.
func (p Parts) AskElasticsearch(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, p.Elasticsearch+path, &body)
	if err != nil {
		return err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return nil
	case response.StatusCode >= 300:
		return fmt.Errorf("elasticsearch answers %d to %s %s", response.StatusCode, method, path)
	case out == nil:
		return nil
	}
	return json.NewDecoder(response.Body).Decode(out)
}

// Real is the three services, one process each, on real parts. Logs go to dir.
func Real(bin, dir string, p Parts, env ...string) (*System, error) {
	var listen [3]string
	for i := range listen {
		at, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		listen[i] = at
	}
	all := append(p.Env(), env...)
	all = append(all, "CHATLOG_SINKS_LISTEN="+listen[0], "CHATLOG_INGEST_LISTEN="+listen[1], "CHATLOG_QUERY_LISTEN="+listen[2],
		"CHATLOG_QUERY_INGEST_URLS=http://"+listen[1])
	s := &System{Writes: "http://" + listen[1], Reads: "http://" + listen[2]}
	for i, name := range []string{"sinks", "ingest", "query"} {
		s.Programs = append(s.Programs, &Program{Name: name, Path: filepath.Join(bin, name), Listen: listen[i],
			Log: filepath.Join(dir, name+".log"), Dir: dir, Env: all})
	}
	return s, os.MkdirAll(dir, 0o700)
}

// IndexProgress is the next offset of a partition for the index; 0 when it has
// none.
func (p Parts) IndexProgress(ctx context.Context, partition int32) (int64, error) {
	var found struct {
		Source struct{ Progress struct{ Next int64 } } `json:"_source"`
	}
	err := p.AskElasticsearch(ctx, http.MethodGet, fmt.Sprintf("/%s/_doc/progress:%d?routing=progress", p.Alias, partition), nil, &found)
	return found.Source.Progress.Next, err
}

// RemoveDocument deletes one document from the index, which the sink does not
// know of. It is deleted at its own version: Elasticsearch would else give the
// deletion the next version and refuse the document until index.gc_deletes
// (60 s) is over.
func (p Parts) RemoveDocument(ctx context.Context, routing, id string) error {
	var found struct {
		Version int64 `json:"_version"`
	}
	path := "/" + p.Alias + "/_doc/" + id + "?routing=" + routing
	if err := p.AskElasticsearch(ctx, http.MethodGet, path, nil, &found); err != nil {
		return err
	}
	if found.Version == 0 {
		return fmt.Errorf("there is no document %s", id)
	}
	return p.AskElasticsearch(ctx, http.MethodDelete, fmt.Sprintf("%s&version_type=external_gte&version=%d", path, found.Version), nil, nil)
}

// Lag tells whether one of the groups, of both views if none is named, has not
// committed the log's end.
func (p Parts) Lag(ctx context.Context, groups ...string) error {
	if len(groups) == 0 {
		groups = []string{p.Groups + "-mysql", p.Groups + "-search"}
	}
	return p.Uncommitted(ctx, p.Commands, groups...)
}

// Uncommitted tells whether one of the groups has not committed a topic's end.
func (p Parts) Uncommitted(ctx context.Context, topic string, groups ...string) error {
	return p.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err := errors.Join(err, ends.Error()); err != nil {
			return err
		}
		for _, group := range groups {
			committed, err := admin.FetchOffsets(ctx, group)
			if err != nil {
				return err
			}
			for partition, end := range ends.Offsets()[topic] {
				at, _ := committed.Lookup(topic, partition)
				if at.At < end.At {
					return fmt.Errorf("%s has committed %d of %d in partition %d", group, at.At, end.At, partition)
				}
			}
		}
		return nil
	})
}
