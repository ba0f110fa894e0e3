package move

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// TestKilled moves a log over bad ways: requests and answers are lost, batches
// come late and twice, the mover is killed at any moment and another goes on,
// and now and then two of them work at once. What comes of it must be the
// source's commands, each once and in order.
func TestKilled(t *testing.T) {
	killed, conflicts := 0, int64(0)
	for seed := range uint64(60) {
		source, target := commands(seed, 40), newTopicSim(seed, 20)
		source.faults = 10
		for life := 0; ; life++ {
			ctx, kill := context.WithCancel(t.Context())
			if life < 4 {
				last := target.calls + 1 + int(seed+uint64(life)*7)%9
				target.after = func(calls int) {
					if calls >= last {
						kill()
					}
				}
			}
			movers := 1 + int(seed+uint64(life))%2
			results, errs := make([]Result, movers), make([]error, movers)
			var all sync.WaitGroup
			for i := range movers {
				all.Go(func() { results[i], errs[i] = moved(ctx, mover(source, target, tokens[3])) })
			}
			all.Wait()
			kill()
			target.after = nil
			if err := errors.Join(errs...); err == nil {
				conflicts += results[0].Target[command.Misplaced]
				break
			} else if !errors.Is(err, context.Canceled) || life > 20 {
				t.Fatalf("seed %d, life %d: %v", seed, life, err)
			}
			killed++
		}
		for _, land := range target.late { // what was on its way comes at last
			land()
		}
		want, _, _ := counting(t, source, tokens[3])
		got, log, generation := counting(t, target)
		if !reflect.DeepEqual(got, want) || log == oldLog || generation != 4 {
			t.Fatalf("seed %d: log %s, generation %d, %d and %d commands of %d and %d", seed, log, generation, len(got[0]), len(got[1]), len(want[0]), len(want[1]))
		}
	}
	if killed < 100 || conflicts < 30 {
		t.Errorf("%d killed, %d misplaced records: this shows little", killed, conflicts)
	}
}

// TestFollow copies while the source grows, and tells when it has grown since
// the logs were compared.
func TestFollow(t *testing.T) {
	source, target := commands(1, 20), newTopicSim(1, 10)
	m := mover(source, target)
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if err := m.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		source.grow(int32(i%2), 20+i)
	}
	if _, err := m.Verify(t.Context()); !errors.Is(err, ErrMoving) {
		t.Error("the last command is not in the target, and nobody says why: ", err)
	}
	if err := m.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := m.Verify(t.Context())
	if err != nil || r.Commands != 70 || m.Moved() != 70 {
		t.Errorf("%d commands compared, %d moved: %v", r.Commands, m.Moved(), err)
	}
	if err := m.Quiet(t.Context(), r); err != nil {
		t.Error(err)
	}
	source.grow(0, 90)
	if err := m.Quiet(t.Context(), r); !errors.Is(err, ErrMoving) {
		t.Error(err)
	}
}

// meddled is a target where something happens just before the first append.
type meddled struct {
	Target
	before func()
}

func (t *meddled) Append(ctx context.Context, p int32, batch []kafkaconn.Record) (int64, error) {
	if do := t.before; do != nil {
		t.before = nil
		do()
	}
	return t.Target.Append(ctx, p, batch)
}

// TestOvertaken: while one mover is about to write, the source grows, and another one
// copies all of it. That is no foreign target.
func TestOvertaken(t *testing.T) {
	source, target := commands(1, 20), newTopicSim(1, 0)
	way := &meddled{Target: target}
	slow, quick := mover(source, way), mover(source, target)
	if err := errors.Join(slow.Open(t.Context()), slow.Round(t.Context())); err != nil {
		t.Fatal(err)
	}
	source.grow(0, 21)
	way.before = func() {
		source.grow(0, 22)
		if _, err := moved(t.Context(), quick); err != nil {
			t.Error(err)
		}
	}
	if err := slow.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r, err := slow.Verify(t.Context()); err != nil || r.Commands != 42 || r.Target[command.Misplaced] != 1 {
		t.Error(r, err)
	}
}

// TestRefusedForGood: a target that was found to be another's is not written to by the
// next round either, which begins behind what was found.
func TestRefusedForGood(t *testing.T) {
	source, target := commands(1, 10), newTopicSim(1, 0)
	m := mover(source, target)
	if err := errors.Join(m.Open(t.Context()), m.Round(t.Context())); err != nil {
		t.Fatal(err)
	}
	log, _ := logOf(target)
	target.put(0, []byte(tokens[0]), command.Encode(&command.Command{ID: "00000000-0000-7000-8000-00000000ffff", Op: command.ChatCreate,
		Application: tokens[0], Chat: 1, Time: began}), log, 0)
	source.grow(0, 11)
	before := len(target.records[0])
	for range 2 {
		if err := m.Round(t.Context()); !fault.Is(err, fault.Terminal) {
			t.Error(err)
		}
	}
	if now := len(target.records[0]); now != before {
		t.Errorf("%d records are written behind what is not ours", now-before)
	}
}

// TestRefused gives a mover targets that are not its own. Nothing may be written.
func TestRefused(t *testing.T) {
	copied := func(change func(*topicSim)) *topicSim {
		target := newTopicSim(1, 0)
		if _, err := moved(t.Context(), mover(commands(1, 10), target)); err != nil {
			t.Fatal(err)
		}
		change(target)
		return target
	}
	fresh := func(fill func(*topicSim)) *topicSim { target := newTopicSim(1, 0); fill(target); return target }
	ours := func(p int32, log position.LogID) []byte { // the first record of a copy of the source
		m := mover(nil, nil)
		m.from, m.next = oldLog, 4
		return command.Encode(&command.Command{ID: m.openID(p), Op: command.LogOpen, Log: log, Generation: 4, Time: began})
	}
	for name, c := range map[string]struct {
		target  *topicSim
		without []string
		says    string
	}{
		"somebody's records": {fresh(func(t *topicSim) { t.put(1, nil, []byte("x"), "00000000000000bb", 0) }), nil, "the target is not empty"},
		"the source itself":  {commands(1, 10), nil, "the target is the source"},
		"another log":        {fresh(func(t *topicSim) { t.put(1, nil, opening("00000000000000cc", 1), "00000000000000cc", 0) }), nil, "of generation 1"},
		"two logs": {fresh(func(t *topicSim) {
			t.put(0, nil, ours(0, "00000000000000cc"), "00000000000000cc", 0)
			t.put(1, nil, ours(1, "00000000000000dd"), "00000000000000dd", 0)
		}), nil, "not one log"},
		"a copy of another log": {fresh(func(t *topicSim) {
			t.put(0, nil, opening("00000000000000cc", 4), "00000000000000cc", 0)
			t.put(1, nil, opening("00000000000000cc", 4), "00000000000000cc", 0)
		}), nil, "opened for another log"},
		"a copy that ingest goes on with": {copied(func(t *topicSim) {
			log, _ := logOf(t)
			t.put(0, []byte(tokens[0]), command.Encode(&command.Command{ID: "00000000-0000-7000-8000-00000000ffff", Op: command.ChatCreate,
				Application: tokens[0], Chat: 1, Time: began}), log, 0)
		}), nil, "the source ends before it"},
		"a copy with other options": {copied(func(*topicSim) {}), tokens[:1], "opened for another log, or without other"},
	} {
		before := [2]int{len(c.target.records[0]), len(c.target.records[1])}
		_, err := moved(t.Context(), mover(commands(1, 10), c.target, c.without...))
		if !fault.Is(err, fault.Terminal) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if after := [2]int{len(c.target.records[0]), len(c.target.records[1])}; after != before {
			t.Errorf("%s: written to: %v, was %v", name, after, before)
		}
	}
}

func logOf(topic *topicSim) (position.LogID, uint32) {
	c, err := command.Decode(topic.records[0][0].Value)
	if err != nil {
		panic(err)
	}
	return c.Log, c.Generation
}

// TestSources that cannot be moved as they are.
func TestSources(t *testing.T) {
	newer := commands(1, 10)
	newer.put(0, []byte(tokens[0]), []byte(`{"v":2}`), oldLog, 0)
	trimmed := commands(1, 10)
	trimmed.start = 5
	for name, c := range map[string]struct {
		source *topicSim
		says   string
	}{
		"written by a newer program": {newer, "newer version"},
		"trimmed":                    {trimmed, "does not start at its beginning"},
		"empty":                      {newTopicSim(1, 0), "nothing to move"},
	} {
		if _, err := moved(t.Context(), mover(c.source, newTopicSim(1, 0))); !fault.Is(err, fault.Terminal) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestTooLarge halves batches that the target does not take, down to one record.
func TestTooLarge(t *testing.T) {
	target := newTopicSim(1, 0)
	target.most = 1
	r, err := moved(t.Context(), mover(commands(1, 20), target))
	if err != nil || r.Commands != 40 {
		t.Error(r.Commands, err)
	}
	target = newTopicSim(1, 0)
	m := mover(commands(1, 20), target)
	if err := m.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	target.most = 0
	if err := m.Round(t.Context()); !fault.Is(err, fault.Terminal) || !strings.Contains(err.Error(), "max.message.bytes") {
		t.Error(err)
	}
}

// TestVerify finds each way in which a copy may be wrong, wherever it is.
func TestVerify(t *testing.T) {
	for name, spoil := range map[string]func(r *command.Record){
		"a key": func(r *command.Record) { r.Key = []byte(tokens[0]) },
		"a text": func(r *command.Record) {
			r.Value = []byte(strings.Replace(string(r.Value), "message 9", "message 8", 1))
		},
		"a trace":        func(r *command.Record) { r.Headers[1].Value = []byte("x") },
		"what it is for": func(r *command.Record) { r.Headers[0].Value = []byte(fmt.Sprintf("%s:1", oldLog)) },
	} {
		source, target := commands(2, 10), newTopicSim(2, 0)
		m := mover(source, target)
		if _, err := moved(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		last := &target.records[0][len(target.records[0])-1]
		last.Headers = append([]command.Header(nil), last.Headers...)
		before := fmt.Sprint(*last)
		spoil(last)
		if fmt.Sprint(*last) == before && name != "a key" {
			t.Fatalf("%s: nothing was spoiled", name)
		}
		if name == "a key" && string(source.records[0][len(source.records[0])-1].Key) == tokens[0] {
			last.Key = []byte(tokens[2])
		}
		if _, err := m.Verify(t.Context()); !fault.Is(err, fault.Terminal) || !strings.Contains(err.Error(), "the logs differ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
