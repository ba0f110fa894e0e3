package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/judge"
)

// result is all that a campaign has to tell.
type result struct {
	command   string
	seed      uint64
	began     time.Time
	rounds    int
	apart     int // of the rounds, how many came first with one fault at a time
	machine   string
	think     time.Duration // of a client between two calls
	calls     []history.Call
	windows   []history.Window
	truth     *audit.Truth
	verdict   *judge.Verdict
	verify    string // what `sinks verify` said last
	importing error  // why the importer gave up
	disk      string // what the drill with the full disk said last
	load      time.Duration
}

// problems are faults that could not be carried out, or after which not all
// was well again by itself.
func (r *result) problems() (all []string) {
	for _, w := range r.windows {
		if w.Problem != "" {
			all = append(all, fmt.Sprintf("round %d, %s (%s): %s", w.Round, w.Fault, w.Detail, w.Problem))
		}
	}
	return all
}

// dead are faults after which nothing was acked, though no other was on.
func (r *result) dead() (all []string) {
	m := newMeter(r.calls)
	for i, w := range r.windows {
		after := w.Settled + int64(quiet)
		others := slices.Concat(r.windows[:i], r.windows[i+1:])
		other := slices.ContainsFunc(others, func(o history.Window) bool {
			return slices.ContainsFunc(o.Disturbs, history.Kind.Write) && o.Begin < after && o.Settled > w.Settled
		})
		if w.Problem == "" && !other && m.around(w).after == 0 {
			all = append(all, fmt.Sprintf("round %d, %s: no acked write in the %s after it", w.Round, w.Fault, quiet))
		}
	}
	return all
}

// bad reports whether a promise was broken.
func (r *result) bad() bool {
	return len(r.verdict.Findings) > 0 || r.importing != nil || strings.HasPrefix(r.verify, "FAILED") || len(r.problems()) > 0 || len(r.dead()) > 0
}

// write tells it as Markdown.
func (r *result) write(out io.Writer) {
	p := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	v := r.verdict
	p("# A campaign of faults\n")
	p("`%s`, begun %s, on %s.\n", r.command, r.began.UTC().Format("2006-01-02 15:04 UTC"), r.machine)
	p("3 ingest, 2 MySQL sinks, 2 search sinks, 2 query; Kafka with 3 brokers (replication 3, min.insync.replicas 2), MySQL, Elasticsearch, Redis;")
	p("17 clients: 8 that repeat with their key until they know, 5 that ask once, 4 that read, each with %s between two calls; one importer of six histories.", r.think)
	p("Everything on one machine.\n")
	p("| | |\n|---|---|")
	p("| seed | %d |", r.seed)
	p("| under load for | %s |", r.load.Round(time.Second))
	p("| rounds, each with a seed of its own | %d |", r.rounds)
	p("| faults | %d |", len(r.windows))
	p("| calls | %d |", v.Calls)
	p("| acked writes | %d |", v.Acked)
	p("| writes in doubt that their key settled | %d |", v.Settled)
	p("| writes that stayed unknown to their client / of them in the log | %d / %d |", v.Unknown, v.Resolved)
	p("| writes refused, none of them in the log | %d |", v.Refused)
	p("| reads answered / with a token | %d / %d |", v.Reads, v.Tokens)
	p("| keys repeated after their answer | %d |", v.Repeats)
	p("| records imported meanwhile / of no use, each told under one key / twice under it | %d / %d / %d |", v.Imported, v.Told, r.truth.ToldAgain)
	p("| chats and contended messages whose calls were put in order / given up after %s | %d / %d |", "20 s", v.Ordered, v.Open)
	p("| records in the log that count / ignored | %d / %v |", r.truth.Log.Records, r.truth.Log.Ignored)
	p("| dead letters, each told once | %d |", len(r.truth.Log.Strangers))
	p("| `sinks verify` | %s |", r.verify)
	if r.disk != "" {
		p("| disk full under the embedded parts | %s |", r.disk)
	}
	p("\n| what must not be | found |\n|---|---|")
	for _, promise := range judge.Promises {
		p("| %s | %d |", promise, v.Count(promise))
	}
	p("| a fault that did not heal by itself | %d |", len(r.problems()))
	p("| nothing acked after a fault | %d |", len(r.dead()))
	r.tables(p)
	if r.importing != nil {
		p("- the importer gave up: %v", r.importing)
	}
	for _, f := range v.Findings[:min(len(v.Findings), 60)] {
		p("- %s: %s", f.Promise, f.What)
	}
	for _, text := range append(r.problems(), r.dead()...) {
		p("- %s", text)
	}
}

// tables shows the faults by name: those that came alone, and those that came
// together with others.
func (r *result) tables(p func(string, ...any)) {
	p("\nAcked writes per second (medians; the lowest after), answers 503 and requests without an answer while the fault was on, the time")
	p("from the end of its cause to the next acked write (slowest), and until everything that it may disturb was well again.")
	alone := func(w history.Window) bool { return w.Round <= r.apart }
	if r.apart > 0 {
		p("\nOne fault at a time:\n")
		r.table(p, alone)
	}
	if r.rounds > r.apart {
		p("\nSeveral faults at a time, so that a neighbour's effect is in these figures, too:\n")
		r.table(p, func(w history.Window) bool { return !alone(w) })
	}
	p("")
}

func (r *result) table(p func(string, ...any), shown func(history.Window) bool) {
	m := newMeter(r.calls)
	byName, times := map[string][]rates{}, map[string][]time.Duration{}
	for _, w := range r.windows {
		if shown(w) {
			byName[w.Fault] = append(byName[w.Fault], m.around(w))
			times[w.Fault] = append(times[w.Fault], time.Duration(w.Settled-w.Undone))
		}
	}
	p("| fault | times | before | during | after | lowest after | 503 | no answer | next ack | well again, half / slowest |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list := byName[name]
		column := func(of func(rates) float64) []float64 {
			var all []float64
			for _, x := range list {
				all = append(all, of(x))
			}
			slices.Sort(all)
			return all
		}
		half := func(all []float64) float64 { return all[len(all)/2] }
		refused, broken, first := 0, 0, time.Duration(0)
		for _, x := range list {
			refused, broken, first = refused+x.refused, broken+x.broken, max(first, x.firstAck)
		}
		after := column(func(x rates) float64 { return x.after })
		slices.Sort(times[name])
		p("| %s | %d | %.0f | %.0f | %.0f | %.0f | %d | %d | %.1f s | %.1f / %.1f s |", name, len(list), half(column(func(x rates) float64 { return x.before })),
			half(column(func(x rates) float64 { return x.during })), half(after), after[0], refused, broken, first.Seconds(),
			times[name][len(list)/2].Seconds(), times[name][len(list)-1].Seconds())
	}
}
