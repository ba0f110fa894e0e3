package kafka

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
	"chatlog/deploy/workload"
	"chatlog/shared/parts"
	"chatlog/shared/topic"
)

// world is a system on real parts, with topics, a database and an index of its
// own, for one runbook.
type world struct {
	*system.System
	t      *testing.T
	parts  system.Parts
	ingest *client.Client
	query  *client.Client
	tools  string         // folder of the programs of the parts
	dir    string         // where blocks run
	load   *workload.Load // that runs, or ran last
	acked  []audit.Acked  // by those that have ended
	player *runbook.Player
}

// shared names a fresh system on the parts that are there.
func shared(t *testing.T) system.Parts {
	t.Helper()
	db := parts.MySQL(t)
	return system.Parts{Kafka: parts.Kafka(t), MySQL: db.Address, User: db.User, Password: db.Password.Reveal(),
		Elasticsearch: parts.Elasticsearch(t), Redis: parts.Redis(t)}.Of(system.UniqueName("book"))
}

// start starts a system on the parts; env is settings that differ.
func start(t *testing.T, p system.Parts, env ...string) *world {
	t.Helper()
	w := &world{t: t, parts: p, dir: t.TempDir(), tools: filepath.Dir(parts.Tool(t, "kafka-consumer-groups"))}
	w.try(p.Prepare(t.Context()))
	t.Cleanup(w.remove)
	s, err := system.Real(bin, filepath.Join(t.TempDir(), "logs"), p, env...)
	w.try(err)
	w.System = s
	w.ingest, w.query = client.New(s.Writes, 32), client.New(s.Reads, 32)
	t.Cleanup(w.ingest.Close)
	t.Cleanup(w.query.Close)
	t.Cleanup(w.finish)
	w.try(s.Start(t.Context()))
	return w
}

func (w *world) try(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// remove takes everything away that the system had on the parts.
func (w *world) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := w.parts.Remove(ctx); err != nil {
		w.t.Error("cleaning up:", err)
	}
}

// finish stops what runs, and shows the logs of a failed test.
func (w *world) finish() {
	if w.load != nil {
		w.load.Stop()
	}
	if err := w.Stop(); err != nil {
		w.t.Error("stopping:", err)
	}
	for _, p := range w.Programs {
		content, err := os.ReadFile(p.Log)
		if err != nil || !w.t.Failed() {
			continue
		}
		lines := slices.DeleteFunc(strings.Split(string(content), "\n"), func(line string) bool { return strings.Contains(line, " msg=request ") })
		w.t.Logf("%s:\n%s", p.Name, strings.Join(lines[max(0, len(lines)-30):], "\n"))
	}
}

// play runs a page from its first step to its last.
func (w *world) play(page string, own map[string]runbook.Hook) {
	w.t.Helper()
	hooks := w.hooks()
	for name, hook := range own {
		hooks[name] = hook
	}
	w.player = &runbook.Player{Dir: w.dir, Env: w.env(), Hooks: hooks, Tell: func(line string) { w.t.Log(page, line) }}
	if err := w.player.Play(w.t.Context(), steps(w.t, page)); err != nil {
		w.t.Fatalf("%s: %v", page, err)
	}
}

// give sets a variable that the page leaves to its reader, for the next blocks.
func (w *world) give(name, value string) { w.player.Env = append(w.player.Env, name+"="+value) }

// env is what the pages leave to their reader; README.md lists it.
func (w *world) env() []string {
	host, port, err := net.SplitHostPort(w.parts.MySQL)
	w.try(err)
	return append(slices.Clone(w.Programs[0].Env), "PATH="+bin+":"+w.tools+":"+os.Getenv("PATH"),
		"B="+w.parts.Kafka, "ES="+w.parts.Elasticsearch, "MYSQL=--protocol=tcp -h "+host+" -P "+port+" -u "+w.parts.User, "MYSQL_PWD="+w.parts.Password,
		"TOPIC="+w.parts.Commands, "DEADLETTERS="+w.parts.DeadLetters, "MYSQL_GROUP="+w.parts.Groups+"-mysql", "SEARCH_GROUP="+w.parts.Groups+"-search",
		"DB="+w.parts.Database, "REDIS=redis://"+w.parts.Redis, "PREFIX="+w.parts.Prefix, "ALIAS="+w.parts.Alias,
		"INGEST="+w.Writes, "QUERY="+w.Reads, "SINKS=http://"+w.Program("sinks").Listen)
}

func (w *world) db(do func(*sql.DB) error) error {
	db, err := sql.Open("mysql", w.parts.DSN(w.parts.Database))
	if err != nil {
		return err
	}
	defer db.Close()
	return do(db)
}

// caughtUp says what is missing until both views have come to the log's end.
func (w *world) caughtUp(ctx context.Context, truth *audit.Truth) error {
	return w.db(func(db *sql.DB) error { return truth.CaughtUp(ctx, db, w.parts.IndexProgress) })
}

// audited folds the log, waits until both views have come to its end, compares
// rows, documents and the API with it, and every acked write with the log.
func (w *world) audited(ctx context.Context, _ string) error {
	truth, err := audit.Read(ctx, w.parts.Kafka, w.parts.Commands)
	if err != nil {
		return err
	}
	if err := system.Eventually(ctx, patience, func(ctx context.Context) error { return w.caughtUp(ctx, truth) }); err != nil {
		return err
	}
	err = w.db(func(db *sql.DB) error { return truth.Rows(ctx, db) })
	if err := errors.Join(err, truth.Index(ctx, w.parts.Elasticsearch, w.parts.Alias), truth.API(ctx, w.query)); err != nil {
		return err
	}
	truth.History(w.acked)
	w.t.Logf("audited: %d records count, %d messages, %d acked writes; %s", truth.Log.Records, len(truth.Messages), len(w.acked), truth.Report(10))
	if len(truth.Findings) > 0 {
		return errors.New("the views or the acked writes differ from the log")
	}
	return nil
}

// partition is where an application lives.
func (w *world) partition(app string) int32 {
	return topic.PartitionOf([]byte(app), 12)
}

// metric sums a metric of the sinks over its labels.
func (w *world) metric(ctx context.Context, name string) (float64, error) {
	c := client.New("http://"+w.Program("sinks").Listen, 1)
	defer c.Close()
	return c.Metric(ctx, name)
}
