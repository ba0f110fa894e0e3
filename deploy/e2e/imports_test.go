package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chatlog/deploy/client"
	"chatlog/shared/parts"
)

// kafka is where the house's broker listens; topic gives the topic that stands for
// one of the usual names.
func (h *house) kafka(t *testing.T) string {
	t.Helper()
	if h.parts.Kafka != "" {
		return h.parts.Kafka
	}
	var at string
	eventually(t, 10*time.Second, "the broker's address is told", func() error {
		content, err := os.ReadFile(h.Program("local").Log)
		all := regexp.MustCompile(`Kafka \(.*\) on (\S+)`).FindAllSubmatch(content, -1)
		if err == nil && len(all) == 0 {
			return errors.New("not yet")
		}
		at = string(all[len(all)-1][1])
		return err
	})
	return at
}

func (h *house) topic(usual string) string {
	if h.parts.Kafka == "" {
		return usual
	}
	return map[string]string{"chat.imports": h.parts.Imports, "chat.commands": h.parts.Commands, "chat.deadletters": h.parts.DeadLetters}[usual]
}

// bring writes lines of key, tab and value to the imports as backfill tools do.
func (h *house) bring(t *testing.T, lines string, args ...string) {
	t.Helper()
	kcat := parts.Tool(t, "kcat")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, kcat, append([]string{"-P", "-b", h.kafka(t), "-t", h.topic("chat.imports"), "-K", "\t",
		"-X", "topic.partitioner=murmur2_random", "-X", "acks=all", "-X", "enable.idempotence=true"}, args...)...)
	c.Stdin = strings.NewReader(lines)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v: %s", err, out)
	}
}

// unsettled says what is missing until every record of the imports is settled: the
// group has committed its end.
func (h *house) unsettled(t *testing.T) error {
	p := h.parts
	p.Kafka = h.kafka(t)
	group := "chatlog-imports"
	if h.parts.Kafka != "" {
		group = p.Groups + "-imports"
	}
	return p.Uncommitted(t.Context(), h.topic("chat.imports"), group)
}

// imported waits until every record of the imports is settled.
func (h *house) imported(t *testing.T, patience time.Duration) {
	t.Helper()
	eventually(t, patience, "imports are settled", func() error { return h.unsettled(t) })
}

// history is an application of another system: n messages in chats of fifty, every
// tenth edited, every twentieth deleted.
func history(token string, n int64) string {
	var out strings.Builder
	at := time.Date(2019, 3, 1, 8, 0, 0, 123456000, time.UTC)
	space := uuid.NewSHA1(uuid.NameSpaceURL, []byte(token))
	line := func(op, format string, args ...any) {
		at = at.Add(time.Second)
		id := uuid.NewSHA1(space, []byte(fmt.Sprint(op, args)))
		fmt.Fprintf(&out, "%s\t{\"id\":%q,\"op\":%q,\"application\":%q,%s,\"time\":%q}\n", token, id, op, token, fmt.Sprintf(format, args...), at.Format(time.RFC3339Nano))
	}
	line("application.create", `"username":%q`, "brought in")
	for i := range n {
		chat, number := i/50+1, i%50+1
		if number == 1 {
			line("chat.create", `"chat":%d`, chat)
		}
		line("message.create", `"chat":%d,"number":%d,"message":%q`, chat, number, fmt.Sprintf("message %d – überall, 你好", i))
		if number%10 == 0 {
			line("message.update", `"chat":%d,"number":%d,"message":%q`, chat, number-3, fmt.Sprintf("edited by %d", i))
		}
		if number%20 == 0 {
			line("message.delete", `"chat":%d,"number":%d`, chat, number)
		}
	}
	return out.String()
}

// wrong are records that can never be imported into the application of history, and
// the reasons.
func wrong(token string) (lines, reasons []string) {
	add := func(key, value, reason string) {
		lines, reasons = append(lines, key+"\t"+value), append(reasons, reason)
	}
	command := func(rest string) string {
		return fmt.Sprintf(`{"id":%q,"application":%q,%s}`, uuid.NewString(), token, rest)
	}
	other := uuid.NewSHA1(uuid.NewSHA1(uuid.NameSpaceURL, []byte(token)), []byte(fmt.Sprint("application.create", []any{"brought in"})))
	add(token, "garbage", "not a command in JSON: invalid character 'g' looking for beginning of value")
	add(token, `{"op":"chat.create","application":"`+token+`"}`, "id is missing")
	add("0000000000000000000000000000000"+token[:1], command(`"op":"chat.create"`), "its key is \"0000000000000000000000000000000"+token[:1]+"\", its application "+token)
	add(token, command(`"op":"message.create","chat":1,"number":1,"message":"m"`), "message 1 is not the next one, which is 51")
	add(token, command(`"op":"chat.create","chat":1000000`), "chat 1000000 is not the next one, which is ")
	add(token, command(`"op":"message.create","chat":999999,"message":"m"`), "Chat not found")
	add(token, command(`"op":"message.update","chat":1,"number":20,"message":"m"`), "Message not found")
	add(token, command(`"op":"message.update","chat":1,"number":1,"message":"m","created":"2000-01-01T00:00:00Z"`), "created is 2000-01-01T00:00:00Z, and the message was created at 2019-03-01T")
	add(token, fmt.Sprintf(`{"id":%q,"application":%q,"op":"chat.create"}`, other, token), "id was used for another command")
	add(token, command(`"op":"application.create","username":"again"`), "The application is there already")
	add(token, command(`"op":"message.create","chat":1,"message":"`+strings.Repeat("m", 64<<10+1)+`"`), "command: message is not 1 byte to 64 KiB of valid UTF-8")
	add(token, command(`"op":"message.create","chat":1,"message":"m","keyed":true`), "keyed and fingerprint are set by the import itself")
	return lines, reasons
}

// importLetters wants exactly one dead letter for each line, with its reason.
func (h *house) importLetters(t *testing.T, lines, reasons []string) {
	t.Helper()
	type letter struct {
		View, Class, Reason, Topic string
		Partition                  int32
		Offset                     int64
		Key, Value                 []byte
	}
	told := map[string]letter{}
	for _, r := range h.read(t, h.topic("chat.deadletters")) {
		var l letter
		if err := json.Unmarshal(r.Value, &l); err != nil {
			t.Fatal(err)
		}
		line := string(l.Key) + "\t" + string(l.Value)
		if l.View != "imports" || l.Topic != h.topic("chat.imports") {
			t.Errorf("a letter of another kind: %+v", l)
		}
		if _, twice := told[line]; twice {
			t.Errorf("told twice: %.200s", line)
		}
		told[line] = l
	}
	places := map[string]string{}
	for _, r := range h.read(t, h.topic("chat.imports")) {
		places[fmt.Sprint(r.Partition, " ", r.Offset)] = string(r.Key) + "\t" + string(r.Value)
	}
	for i, line := range lines {
		l, there := told[line]
		if !there || !strings.HasPrefix(l.Reason, reasons[i]) {
			t.Errorf("%.200s was told of as %q, want %q", line, l.Reason, reasons[i])
		}
		if at := places[fmt.Sprint(l.Partition, " ", l.Offset)]; there && at != line {
			t.Errorf("%.200s lies at partition %d offset %d, the letter says; there lies %.200s", line, l.Partition, l.Offset, at)
		}
		delete(told, line)
	}
	for line := range told {
		t.Errorf("refused: %.200s: %+v", line, told[line].Reason)
	}
}

// sameReplies compares what two houses answer about an application, byte for byte.
func sameReplies(t *testing.T, token string, one, two *client.Client) {
	t.Helper()
	ask := func(c *client.Client, path string) client.Reply {
		reply, err := c.Do(t.Context(), "GET", path, "", nil)
		if err != nil || reply.Status != 200 && reply.Status != 404 {
			t.Fatal(path, reply.Status, reply.Body, err)
		}
		return reply
	}
	seen := 0
	same := func(path string) (first client.Reply) {
		first = ask(one, path)
		eventually(t, time.Minute, path, func() error {
			if second := ask(two, path); second.Status != first.Status || second.Body != first.Body {
				return fmt.Errorf("%.300s and %.300s", first.Body, second.Body)
			}
			return nil
		})
		seen++
		return first
	}
	at := "/application/" + token
	same(at)
	same(at + "/search/message?detail=true&sort=newest&limit=1000")
	chats, err := one.Chats(t.Context(), token, nil)
	if err != nil || len(chats) == 0 {
		t.Fatal(chats, err)
	}
	same(at + "/chats?limit=1000")
	for _, chat := range chats {
		if chat.Number > 200 {
			break
		}
		path := fmt.Sprintf("%s/chat/%d", at, chat.Number)
		same(path)
		same(path + "/messages?detail=true&limit=1000")
		for n := range min(chat.Messages, 20) {
			same(fmt.Sprintf("%s/message/%d?detail=true", path, n+1))
		}
	}
	t.Logf("%d replies are the same", seen)
}

// export runs sinks export, as an operator does.
func (h *house) export(t *testing.T, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(bin, "sinks"), append([]string{"export"}, args...)...)
	if h.parts.Kafka != "" {
		c.Env = h.parts.Env()
	} else {
		c.Env = []string{"CHATLOG_KAFKA_BROKERS=" + h.kafka(t)}
	}
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	if err := c.Run(); err != nil {
		t.Fatalf("sinks export: %v: %s", err, told.String())
	}
	return out.Bytes()
}

func TestEmbeddedImport(t *testing.T) { importing(t, embedded(t), embedded(t)) }

func TestRealImport(t *testing.T) { importing(t, real(t), real(t)) }

// importing brings a history in, wrong records among it, twice, takes it out with what
// clients have made of it since, and brings that into an empty house.
func importing(t *testing.T, h, empty *house) {
	token := strings.ReplaceAll(uuid.NewString(), "-", "")
	n := sized(t, "CHATLOG_TEST_IMPORTED", 1000)
	all := history(token, n)
	bad, reasons := wrong(token)
	began := time.Now()
	h.bring(t, all+strings.Join(bad, "\n")+"\n")
	h.imported(t, 10*time.Minute)
	t.Logf("%d records imported in %s", strings.Count(all, "\n"), time.Since(began).Round(10*time.Millisecond))
	h.importLetters(t, bad, reasons)
	if got := h.metric(t, h.Writes, "chatlog_imports_records_total"); got != float64(strings.Count(all, "\n")+len(bad)) {
		t.Errorf("%v records are counted", got)
	}
	records := len(h.read(t, h.topic("chat.commands")))
	h.bring(t, all)
	h.imported(t, 10*time.Minute)
	if again := len(h.read(t, h.topic("chat.commands"))); again != records {
		t.Errorf("importing again made %d records of %d", again, records)
	}
	h.importLetters(t, bad, reasons)
	h.live(t, token)
	if h.parts.Kafka != "" {
		report(t, h.audit(t))
	}
	exported := h.export(t, "--application="+token, "--keyed")
	empty.bring(t, string(exported))
	empty.imported(t, 10*time.Minute)
	empty.importLetters(t, nil, nil)
	sameReplies(t, token, h.query, empty.query)
	if again := empty.export(t, "--application="+token, "--keyed"); !bytes.Equal(again, exported) {
		t.Error("exported again it is something else")
	}
	if empty.parts.Kafka != "" {
		report(t, empty.audit(t))
	}
}

// live goes on with an imported application, as clients do.
func (h *house) live(t *testing.T, token string) {
	t.Helper()
	number := chat(t, h.ingest, token)
	for i := range 30 {
		made, _, err := h.ingest.CreateMessage(t.Context(), token, number, fmt.Sprint("live message ", i), client.Headers{"Idempotency-Key", fmt.Sprint("k", i)})
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 {
			if _, err := h.ingest.Update(t.Context(), token, number, made, "edited\tlive", nil); err != nil {
				t.Fatal(err)
			}
		}
		if i%7 == 0 {
			if _, err := h.ingest.Delete(t.Context(), token, number, made, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
