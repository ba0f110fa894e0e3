package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/program"
	"chatlog/shared/topic"
)

const (
	whole   = "aaaaaaaa" // an application with a history
	holed   = "99999999" // one of whose records cannot be read
	nobody  = "cccccccc"
	newer   = "ffffffff" // one that needs a newer program
	openLog = `{"v":1,"id":"00000000-0000-4000-8000-000000000000","op":"log.open","log":"00000000000000a1","generation":1,"time":"2026-11-25T12:00:00.000001Z"}`
)

func created(app string) string {
	return `{"v":1,"id":"11111111-0000-4000-8000-000000000000","op":"application.create","application":"` + app + `","username":"u","time":"2026-11-25T12:00:00.000001Z"}`
}

func chat(app string) string {
	return `{"v":1,"id":"22222222-0000-4000-8000-000000000000","op":"chat.create","application":"` + app + `","chat":1,"time":"2026-11-25T12:00:00.000001Z"}`
}

// logs gives a broker with logs of the applications, each in its own partition.
func logs(t *testing.T) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafkaconn.Default()
	cfg.Brokers = cluster.ListenAddrs()
	conn := kafkaconn.Open(cfg)
	defer conn.Close()
	commands := topic.Default().Commands
	if err := topic.Ensure(t.Context(), conn, commands); err != nil {
		t.Fatal(err)
	}
	for app, values := range map[string][]string{
		whole: {created(whole), chat(whole)},
		holed: {created(holed), "garbage", chat(holed)},
		newer: {created(newer), `{"v":2}`, chat(newer)},
	} {
		records := []kafkaconn.Record{{Value: []byte(openLog), Headers: lies(0)}}
		for i, v := range values {
			records = append(records, kafkaconn.Record{Key: []byte(app), Value: []byte(v), Headers: lies(i + 1)})
		}
		at := topic.PartitionOf([]byte(app), commands.Partitions)
		if base, err := conn.Produce(t.Context(), commands.Name, at, records); err != nil || base != 0 {
			t.Fatalf("%s lies at %d of partition %d, %v", app, base, at, err)
		}
	}
	return cluster.ListenAddrs()[0]
}

func lies(offset int) []command.Header {
	return []command.Header{{Key: command.HeaderAt, Value: []byte("00000000000000a1:" + string(rune('0'+offset)))}}
}

// TestExportSaysWhetherItIsWhole: a script that looks at nothing but the exit code, or
// at nothing but the file, is right.
func TestExportSaysWhetherItIsWhole(t *testing.T) {
	broker := logs(t)
	for _, c := range []struct {
		args string
		code int
		want string // what is written
		told string // a part of what is told
	}{
		{"--application=" + whole, program.OK, created(whole) + "\n" + chat(whole) + "\n", "2 commands\n"},
		{"--application=" + holed, program.OK, created(holed) + "\n" + chat(holed) + "\n",
			"the record at offset 2 of partition 11 of chat.commands: command: invalid character 'g' looking for beginning of value\nrecords left out: 1\n2 commands\n"},
		{"--application=" + newer, program.Failed, "", "the export is not whole"},
		{"--application=" + nobody, program.Failed, "", "the export is not whole: Application not found"},
		{"--application=x", program.Misused, "", "must be a token"},
	} {
		path := filepath.Join(t.TempDir(), "history.json")
		var out, told strings.Builder
		code := sinks().Run(t.Context(), []string{"export", c.args, "--out=" + path}, []string{"CHATLOG_KAFKA_BROKERS=" + broker}, &out, &told)
		if code != c.code || out.Len() > 0 || !strings.Contains(told.String(), c.told) {
			t.Errorf("%s: exit code %d, %s, told %s", c.args, code, out.String(), told.String())
		}
		got, _ := os.ReadFile(path) // none where nothing is wanted
		beside, err := os.ReadDir(filepath.Dir(path))
		if files := min(1, len(c.want)); string(got) != c.want || err != nil || len(beside) != files {
			t.Errorf("%s: written %q, there lie %v, %v", c.args, got, beside, err)
		}
		if code := sinks().Run(t.Context(), []string{"export", c.args}, []string{"CHATLOG_KAFKA_BROKERS=" + broker}, &out, &told); code != c.code || code == program.OK && out.String() != c.want {
			t.Errorf("%s: to standard output, exit code %d: %s", c.args, code, out.String())
		}
	}
}
