package deadletter

import (
	"encoding/json"
	"slices"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// rejected makes the letter of a record that a store has refused.
func rejected(offset int64) Refused {
	return Refused{Record: command.Record{Offset: offset}, Reason: "too long", Class: Rejected}
}

func (s *suite) settle(by *Settler, letter int64, name string, state State) error {
	s.Helper()
	return by.Settle(s.Context(), letter, Settlement{Letter: name, State: state, Why: "the suite says so"})
}

func settledOnce(s *suite) {
	s.write(s.writer("mysql", 0), ours, at(1), at(2), rejected(3))
	one, other := NewSettler(s.conn, s.letters.Name), NewSettler(s.conn, s.letters.Name)
	if err := s.settle(one, 0, named(1), Dropped); err != nil {
		s.Fatal(err)
	}
	if err := s.settle(other, 1, named(2), Retried); err != nil {
		s.Fatal(err)
	}
	for what, err := range map[string]error{
		"by the same":       s.settle(one, 0, named(1), Dropped),
		"by somebody else":  s.settle(other, 0, named(1), Retried),
		"who did not look":  s.settle(NewSettler(s.conn, s.letters.Name), 1, named(2), Dropped),
		"and had looked on": s.settle(one, 1, named(2), Dropped),
	} {
		if !fault.Is(err, fault.Conflict) {
			s.Errorf("settled again %s: %v", what, err)
		}
	}
	if err := s.settle(one, 3, named(1), Dropped); !fault.Is(err, fault.NotFound) { // a settlement lies there
		s.Errorf("no letter is settled: %v", err)
	}
	read, _ := s.read(0)
	if len(read) != 5 {
		s.Errorf("%d entries", len(read))
	}
	if err := one.CatchUp(s.Context(), nil); err != nil {
		s.Fatal(err)
	}
	for offset, want := range []State{Dropped, Retried, Open} {
		state, settled, known := one.Book().State(int64(offset))
		if !known || state != want || want != Open && read[settled].Settlement.State != want {
			s.Errorf("letter %d is %s, %v", offset, state, known)
		}
	}
}

func toldAgain(s *suite) {
	running := s.writer("mysql", 0)
	by := NewSettler(s.conn, s.letters.Name)
	refuse := func(w *Writer, letters int) {
		s.Helper()
		s.write(w, ours, at(1), rejected(2), rejected(3))
		count := 0
		read, _ := s.read(0)
		for _, e := range read {
			if e.Settlement == nil {
				count++
			}
		}
		if count != letters {
			s.Errorf("%d letters, want %d: %+v", count, letters, read)
		}
	}
	refuse(running, 3)
	for letter, state := range []State{Retried, Retried, Dropped} {
		if err := s.settle(by, int64(letter), named(int64(letter)+1), state); err != nil {
			s.Fatal(err)
		}
	}
	// The store was made anew, and refuses once more what it had taken meanwhile.
	refuse(running, 4)
	refuse(running, 4)
	refuse(s.writer("mysql", 0), 4)
	if err := s.settle(by, 6, named(2), Retried); err != nil {
		s.Fatal(err)
	}
	refuse(s.writer("mysql", 0), 5)
	refuse(running, 5)
	if got := by.Book().Open(); got["mysql"] != 0 {
		s.Errorf("before it looks: %v", got)
	}
	if err := by.CatchUp(s.Context(), nil); err != nil {
		s.Fatal(err)
	}
	if got := by.Book().Open(); got["mysql"] != 1 {
		s.Errorf("open: %v", got)
	}
}

func whereItLies(s *suite) {
	records := s.put(1, kafkaconn.Record{Key: []byte("k"), Value: []byte("v0")}, kafkaconn.Record{Value: []byte("v1")})
	for offset, want := range records {
		if r, err := RecordAt(s.Context(), s.conn, s.source.Name, 1, int64(offset)); err != nil || string(r.Value) != string(want.Value) {
			s.Errorf("at %d lies %+v, %v", offset, r, err)
		}
	}
	for _, nowhere := range []int64{-1, 2, 1 << 40} {
		if r, err := RecordAt(s.Context(), s.conn, s.source.Name, 1, nowhere); !fault.Is(err, fault.NotFound) {
			s.Errorf("at %d lies %+v, %v", nowhere, r, err)
		}
	}
	s.write(s.writer("mysql", 0), ours, at(1))
	if e, err := ReadOne(s.Context(), s.conn, s.letters.Name, 0); err != nil || e.Letter.Name() != named(1) {
		s.Errorf("%+v, %v", e, err)
	}
}

// TestStrictSettlements: what is half understood would settle a letter wrongly.
func TestStrictSettlements(t *testing.T) {
	right := Settlement{Letter: "mysql/x/0/1", State: Dropped, Time: "2026-11-25T19:00:00Z", Why: "nobody's"}
	read := func(key string, s Settlement) error {
		value, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		e := entry(&command.Record{Key: []byte(key), Value: value})
		if e.Settlement == nil {
			t.Errorf("%s is no settlement", value)
		}
		return e.Odd
	}
	if err := read(right.Letter, right); err != nil {
		t.Error(err)
	}
	var wrong []error
	for _, change := range []func(*Settlement){func(s *Settlement) { s.State = Open }, func(s *Settlement) { s.State = "lost" },
		func(s *Settlement) { s.Time = "" }, func(s *Settlement) { s.Why = "" }, func(s *Settlement) { s.Letter = "mysql/x/0/2" }} {
		s := right
		change(&s)
		wrong = append(wrong, read(right.Letter, s))
	}
	if slices.Contains(wrong, nil) {
		t.Errorf("taken: %q", wrong)
	}
	for _, more := range []string{`{"letter":"mysql/x/0/1"}`, `{"letter":"mysql/x/0/1","state":"dropped","time":"2026-11-25T19:00:00Z","why":"x","how":1}`} {
		if e := entry(&command.Record{Key: []byte(right.Letter), Value: []byte(more)}); e.Odd == nil {
			t.Errorf("taken: %s", more)
		}
	}
}
