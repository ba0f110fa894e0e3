// Package world is everything that a campaign breaks: the services, several of
// each, and real parts of its own with proxies before them.
package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/deploy/wire"
)

// How many instances of each service there are.
const (
	ingests = 3
	sinks   = 2 // of each view
	queries = 2
)

// Options say where a world lives.
type Options struct {
	Root   string // of the project
	Dir    string // for data and logs
	Bin    string // built programs
	Next   string // built programs that a rolling upgrade brings
	Offset int    // of the ports of the real parts
}

// World is the whole system with handles to break it.
type World struct {
	Options
	Stack   *Stack
	Kafka   []*wire.Wire // by broker
	Search  *SearchWire
	Parts   system.Parts // as seen without the proxies
	Ingests []*system.Program
	Rows    []*system.Program // sinks into MySQL
	Index   []*system.Program // sinks into Elasticsearch
	Queries []*system.Program
	Clients []*client.Client // of all ingests, then of all queries
	probes  probes
	locks   map[*system.Program]*sync.Mutex

	KafkaFaults atomic.Int32 // that are on
}

// Take makes a program the caller's alone, until it is released: two faults at
// once must not stop and start one process.
func (w *World) Take(p *system.Program) (release func()) {
	w.locks[p].Lock()
	return w.locks[p].Unlock
}

// New makes a world; nothing runs yet.
func New(o Options) *World {
	return &World{Options: o, Stack: &Stack{Script: filepath.Join(o.Root, "deploy", "stack", "stack.sh"), Dir: filepath.Join(o.Dir, "stack"),
		Offset: o.Offset, Log: filepath.Join(o.Dir, "stack.log")}}
}

// Start starts empty parts, the proxies, and the services.
func (w *World) Start(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(w.Dir, "logs"), 0o755); err != nil {
		return err
	}
	if err := w.Stack.Wipe(ctx); err != nil {
		return err
	}
	if err := w.Stack.Up(ctx); err != nil {
		return err
	}
	if err := w.wire(); err != nil {
		return err
	}
	if err := w.Parts.Prepare(ctx); err != nil {
		return err
	}
	w.name()
	for _, p := range w.Programs() {
		if err := p.Start(); err != nil {
			return err
		}
	}
	if err := w.Ready(ctx); err != nil {
		return err
	}
	return w.prepareProbes(ctx)
}

// wire puts the proxies before Kafka and Elasticsearch.
func (w *World) wire() (err error) {
	var direct []string
	for n := 1; n <= brokers; n++ {
		direct = append(direct, w.Stack.at(brokerPort(n)))
		way, err := wire.New(fmt.Sprintf("127.0.0.1:%d", w.Stack.kafkaProxies()+n), w.Stack.at(proxiedPort(n)))
		if err != nil {
			return err
		}
		w.Kafka = append(w.Kafka, way)
	}
	w.Parts = system.Parts{Kafka: strings.Join(direct, ","), MySQL: w.Stack.at(mysqlPort), User: "chat", Password: "chat",
		Elasticsearch: "http://" + w.Stack.at(elasticsearchPort), Redis: w.Stack.at(redisPort)}.Of("chaos")
	w.Search, err = newSearchWire(w.Parts.Elasticsearch)
	return err
}

// name makes the programs, each with an address that it keeps.
func (w *World) name() {
	through := w.Parts
	through.Elasticsearch = w.Search.URL
	var bootstrap []string
	for n := 1; n <= brokers; n++ {
		bootstrap = append(bootstrap, fmt.Sprintf("127.0.0.1:%d", w.Stack.kafkaProxies()+n))
	}
	through.Kafka = strings.Join(bootstrap, ",")
	env := append(through.Env(),
		"CHATLOG_TOPICS_COMMANDS_REPLICATION=3", "CHATLOG_TOPICS_COMMANDS_MIN_INSYNC=2",
		"CHATLOG_TOPICS_IMPORTS_REPLICATION=3", "CHATLOG_TOPICS_IMPORTS_MIN_INSYNC=2",
		"CHATLOG_TOPICS_DEADLETTERS_REPLICATION=3", "CHATLOG_TOPICS_DEADLETTERS_MIN_INSYNC=2",
		"CHATLOG_ELASTICSEARCH_TIMEOUT=5s")
	var urls []string
	w.locks = map[*system.Program]*sync.Mutex{}
	add := func(list *[]*system.Program, service, view string, count int) {
		for i := range count {
			at := w.Stack.at(programPort + len(w.locks))
			p := &system.Program{Name: fmt.Sprint(service, view, "-", i+1), Path: filepath.Join(w.Bin, service), Listen: at, Dir: w.Dir,
				Env: append(append([]string{}, env...), "CHATLOG_"+strings.ToUpper(service)+"_LISTEN="+at)}
			p.Log = filepath.Join(w.Dir, "logs", p.Name+".log")
			if view != "" {
				p.Args = []string{view[1:]}
			}
			if service == "query" {
				p.Env = append(p.Env, "CHATLOG_QUERY_INGEST_URLS="+strings.Join(urls, ","))
			}
			if service == "ingest" {
				urls = append(urls, "http://"+at)
			}
			if view == "" {
				w.Clients = append(w.Clients, client.New("http://"+at, 32))
			}
			*list, w.locks[p] = append(*list, p), &sync.Mutex{}
		}
	}
	add(&w.Ingests, "ingest", "", ingests)
	add(&w.Rows, "sinks", "-mysql", sinks)
	add(&w.Index, "sinks", "-search", sinks)
	add(&w.Queries, "query", "", queries)
}

// Programs gives all services.
func (w *World) Programs() (all []*system.Program) {
	for _, list := range [][]*system.Program{w.Ingests, w.Rows, w.Index, w.Queries} {
		all = append(all, list...)
	}
	return all
}

// Writers are clients of all ingests, and Readers of all queries.
func (w *World) Writers() []*client.Client { return w.Clients[:ingests] }

// Readers are clients of all queries.
func (w *World) Readers() []*client.Client { return w.Clients[ingests:] }

// readyWait is how long services may take to be ready, everything on one machine.
const readyWait = 90 * time.Second

// Ready waits until all services that run are ready.
func (w *World) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for _, p := range w.Programs() {
		if p.Running() {
			if err := p.Ready(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// patience is how long a graceful stop may take at most.
const patience = 20 * time.Second

// Stop ends everything: the services gracefully, then the parts.
func (w *World) Stop(ctx context.Context) error {
	var errs []error
	programs := w.Programs()
	for i := len(programs) - 1; i >= 0; i-- {
		errs = append(errs, programs[i].Stop(patience))
	}
	for _, c := range w.Clients {
		c.Close()
	}
	for _, k := range w.Kafka {
		k.Close()
	}
	if w.Search != nil {
		errs = append(errs, w.Search.close())
	}
	// Three brokers that stop at once wait for one another's controllers; nothing
	// of theirs is needed any more.
	for n := 1; n <= brokers; n++ {
		errs = append(errs, w.Stack.Kill(ctx, fmt.Sprint("kafka-", n)))
	}
	return errors.Join(append(errs, w.Stack.Down(ctx))...)
}
