package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
)

var day = time.Date(2024, 5, 11, 11, 34, 32, 123456000, time.UTC)

func text(s string) *string { return &s }

func number(n int64) *int64 { return &n }

func app(id int64, token string, count int64) Row {
	return Row{Kind: Application, ID: id, Application: token, Text: text("name " + fmt.Sprint(id)), Count: number(count), Created: day}
}

func chat(id int64, token string, n uint64, count int64) Row {
	return Row{Kind: Chat, ID: id, Application: token, Chat: fmt.Sprint(n), ChatKey: n, Count: number(count), Created: day}
}

func message(id int64, token string, c, n uint64, body string) Row {
	return Row{Kind: Message, ID: id, Application: token, Chat: fmt.Sprint(c), ChatKey: c, Number: fmt.Sprint(n), NumberKey: n, Text: text(body), Created: day}
}

const a, b = "aaaaaaaa", "bbbbbbbb"

// planned gives what becomes of rows, in short: A name, C chat, M chat number
// text, D chat number; and the findings as fault=choice.
func planned(t *testing.T, c Choices, rows ...Row) (records, faults []string, totals Totals) {
	t.Helper()
	if c.MaxGap == 0 {
		c.MaxGap = 100
	}
	ids := map[string]bool{}
	p := New(c, func(r Record) error {
		if ids[r.ID] {
			t.Errorf("the id of %+v is another one's", r)
		}
		ids[r.ID] = true
		switch r.Op {
		case command.ApplicationCreate:
			records = append(records, fmt.Sprintf("A %s %s", r.Application, r.Username))
		case command.ChatCreate:
			records = append(records, fmt.Sprintf("C %d", r.Chat))
		case command.MessageCreate:
			records = append(records, fmt.Sprintf("M %d %d %s", r.Chat, r.Number, r.Message))
		case command.MessageDelete:
			records = append(records, fmt.Sprintf("D %d %d", r.Chat, r.Number))
		}
		return nil
	}, func(f Finding) { faults = append(faults, fmt.Sprintf("%s %d=%s", f.Fault, f.Row.ID, f.Choice)) })
	for _, r := range rows {
		if err := p.Take(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Finish(); err != nil {
		t.Fatal(err)
	}
	return records, faults, p.Totals()
}

// TestChoices gives each choice the rows that it is about.
func TestChoices(t *testing.T) {
	long, odd := strings.Repeat("é", 40_000), "caf\xe9"
	without := message(3, a, 1, 1, "x")
	without.Created = time.Time{}
	unnamed := app(1, a, 0)
	unnamed.Text = nil
	bad := message(4, a, 1, 0, "x")
	bad.Number = "x7"
	counted := []Row{app(1, a, 1), chat(2, a, 1, 4), message(3, a, 1, 1, "x")}
	gap := []Row{app(1, a, 3), chat(2, a, 1, 0), chat(3, a, 3, 3), message(4, a, 3, 1, "x"), message(5, a, 3, 3, "y")}
	orphans := []Row{chat(1, a, 1, 1), message(2, a, 1, 1, "x"), app(3, b, 1), message(4, b, 1, 1, "y"), message(5, b, 1, 2, "z")}
	twice := []Row{app(1, a, 1), app(2, a, 1), chat(3, a, 1, 1), chat(4, a, 1, 1), message(5, a, 1, 1, "x"), message(6, a, 1, 1, "y")}
	texts := []Row{app(1, a, 1), chat(2, a, 1, 3), message(3, a, 1, 1, ""), message(4, a, 1, 2, long), message(5, a, 1, 3, odd)}
	mt := MissingText
	for name, c := range map[string]struct {
		choices Choices
		rows    []Row
		records string
		faults  string
	}{
		"nothing is wrong": {Choices{}, []Row{app(1, a, 2), chat(2, a, 1, 2), message(3, a, 1, 1, "x"), message(4, a, 1, 2, "y"), chat(5, a, 2, 0), app(6, b, 0)},
			"A aaaaaaaa name 1|C 1|M 1 1 x|M 1 2 y|C 2|A bbbbbbbb name 6", ""},
		"a token is derived": {Choices{Tokens: "derive"}, []Row{app(1, "X", 1), chat(2, "X", 1, 0)}, "A " + Derive("X") + " name 1|C 1", "token 1=derive"},
		"a token is skipped": {Choices{Tokens: "skip"}, []Row{app(1, "X", 1), chat(2, "X", 1, 5), app(3, b, 0)}, "A bbbbbbbb name 3", "token 1=skip"},
		"the first":          {Choices{Duplicates: "first"}, twice, "A aaaaaaaa name 1|C 1|M 1 1 x", "duplicate application 2=first|duplicate chat 4=first|duplicate message 6=first"},
		"the last":           {Choices{Duplicates: "last"}, twice, "A aaaaaaaa name 2|C 1|M 1 1 y", "duplicate application 2=last|duplicate chat 4=last|duplicate message 6=last"},
		"orphans adopted": {Choices{Orphans: "adopt"}, orphans, "A aaaaaaaa adopted|C 1|M 1 1 x|A bbbbbbbb name 3|C 1|M 1 1 y|M 1 2 z",
			"chat without application 1=adopt|message without chat 4=adopt|message without chat 5=adopt"},
		"orphans skipped": {Choices{Orphans: "skip", Counts: "rows"}, orphans, "A bbbbbbbb name 3",
			"chat without application 1=skip|message without chat 2=skip|message without chat 4=skip|message without chat 5=skip|chatsCount 3=rows"},
		"gaps filled": {Choices{Gaps: "tombstone"}, gap, "A aaaaaaaa name 1|C 1|C 2|C 3|M 3 1 x|M 3 2 " + mt + "|D 3 2|M 3 3 y",
			"gap in chats 3=tombstone|gap in messages 5=tombstone"},
		"renumbered":         {Choices{Gaps: "renumber"}, gap, "A aaaaaaaa name 1|C 1|C 2|M 2 1 x|M 2 2 y", "gap in chats 3=renumber|gap in messages 5=renumber"},
		"a gap too large":    {Choices{Gaps: "tombstone", MaxGap: 1}, []Row{app(1, a, 3), chat(2, a, 3, 0)}, "A aaaaaaaa name 1|C 3", "gap too large 2=stop"},
		"counts not trusted": {Choices{Counts: "rows"}, counted, "A aaaaaaaa name 1|C 1|M 1 1 x", "messagesCount 2=rows"},
		"counts trusted": {Choices{Counts: "fill", Gaps: "tombstone"}, counted, "A aaaaaaaa name 1|C 1|M 1 1 x|M 1 2 " + mt + "|D 1 2|M 1 3 " + mt + "|D 1 3|M 1 4 " + mt + "|D 1 4",
			"messagesCount 2=fill"},
		"numbers that are none": {Choices{Numbers: "skip"}, []Row{app(1, a, 1), chat(2, a, 1, 1), bad, message(5, a, 1, 1, "y")}, "A aaaaaaaa name 1|C 1|M 1 1 y", "number 4=skip"},
		"a name":                {Choices{Usernames: "mend"}, []Row{unnamed}, "A aaaaaaaa unnamed", "username missing 1=mend"},
		"texts mended": {Choices{Texts: "mend"}, texts, "A aaaaaaaa name 1|C 1|M 1 1 " + mt + "|D 1 1|M 1 2 " + long[:64<<10] + "|M 1 3 caf\uFFFD",
			"text missing 3=mend|text too long 4=mend|text not UTF-8 5=mend"},
		"texts deleted": {Choices{Texts: "tombstone"}, texts, "A aaaaaaaa name 1|C 1|M 1 1 " + mt + "|D 1 1|M 1 2 " + mt + "|D 1 2|M 1 3 " + mt + "|D 1 3",
			"text missing 3=tombstone|text too long 4=tombstone|text not UTF-8 5=tombstone"},
		"a time": {Choices{Time: day}, []Row{app(1, a, 1), chat(2, a, 1, 1), without}, "A aaaaaaaa name 1|C 1|M 1 1 x", "time missing 3=2024-05-11T11:34:32Z"},
	} {
		records, faults, totals := planned(t, c.choices, c.rows...)
		if got := strings.Join(records, "|"); got != c.records {
			t.Errorf("%s: %.300q, must be %.300q", name, got, c.records)
		}
		if got := strings.Join(faults, "|"); got != c.faults {
			t.Errorf("%s: found %q, must be %q", name, got, c.faults)
		}
		stops := int64(0)
		if name == "a gap too large" {
			stops = 1
		}
		if totals.Stops != stops || totals.Records != int64(len(records)) {
			t.Errorf("%s: %+v", name, totals)
		}
		// Without a choice everything that is wrong stops.
		if _, faults, totals := planned(t, Choices{}, c.rows...); c.faults != "" && (totals.Stops == 0 || totals.Stops != int64(len(faults))) {
			t.Errorf("%s: %d of %d findings stop", name, totals.Stops, len(faults))
		}
	}
}

// TestNumbersFollow gives rows at random, everything chosen: whatever is wrong with
// them, what comes out is what the importer takes.
func TestNumbersFollow(t *testing.T) {
	for seed := range uint64(300) {
		choices, rows := drawn(seed)
		chats, messages, made := map[string]int64{}, map[string]int64{}, map[string]bool{}
		p := New(choices, func(r Record) error {
			key := fmt.Sprint(r.Application, ":", r.Chat)
			switch r.Op {
			case command.ApplicationCreate:
				if made[r.Application] {
					t.Fatalf("seed %d: %s is made twice", seed, r.Application)
				}
				made[r.Application] = true
			case command.ChatCreate:
				if chats[r.Application]++; !made[r.Application] || r.Chat != chats[r.Application] {
					t.Fatalf("seed %d: chat %d, must be %d", seed, r.Chat, chats[r.Application])
				}
			case command.MessageCreate:
				if messages[key]++; r.Chat < 1 || r.Chat > chats[r.Application] || r.Number != messages[key] {
					t.Fatalf("seed %d: message %d of chat %d, must be %d", seed, r.Number, r.Chat, messages[key])
				}
			case command.MessageDelete:
				if r.Number != messages[key] {
					t.Fatalf("seed %d: %d is deleted after %d", seed, r.Number, messages[key])
				}
			}
			c := command.Command{ID: r.ID, Op: r.Op, Application: r.Application, Chat: r.Chat, Number: r.Number, Username: r.Username, Message: r.Message, Time: r.Time, Created: r.Time}
			return c.Validate()
		}, func(Finding) {})
		for _, r := range rows {
			if err := p.Take(r); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := p.Finish(); err != nil || p.Totals().Stops > 0 {
			t.Fatalf("seed %d: %v %+v", seed, err, p.Totals())
		}
	}
}

func TestEncode(t *testing.T) {
	r := Record{ID: id(Message, a, 1, 2, ""), Op: command.MessageCreate, Application: a, Chat: 1, Number: 2, Message: "a<b\n\"ü\"", Time: day}
	value, err := r.Encode()
	want := `{"v":1,"id":"` + r.ID + `","op":"message.create","application":"aaaaaaaa","chat":1,"number":2,"message":"a<b\n\"ü\"","time":"2024-05-11T11:34:32.123456Z"}`
	if err != nil || string(value) != want {
		t.Errorf("%s %v, must be %s", value, err, want)
	}
	var back map[string]any
	if err := json.Unmarshal(value, &back); err != nil || back["message"] != r.Message {
		t.Error(back, err)
	}
	if again := id(Message, a, 1, 2, ""); again != r.ID || id(Message, a, 12, 0, "") == id(Message, a, 1, 20, "") {
		t.Error("ids do not follow from the keys alone")
	}
	if got, want := Derive("X"), Derive("X"); got != want || !command.ValidToken(got) || reflect.DeepEqual(Derive("x"), want) {
		t.Error(got)
	}
}
