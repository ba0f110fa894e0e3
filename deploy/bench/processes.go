package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
)

// used are the processes whose time is told, of chatlog's programs and of the parts.
// Those of the all-in-one are one.
func (b *bench) used(names ...string) map[string]int {
	if b.embedded {
		return map[string]int{"local": b.Program("local").PID()}
	}
	pids := b.stores(names...)
	for _, name := range names {
		if p := b.Program(name); p != nil {
			pids[name] = p.PID()
		}
	}
	return pids
}

// stores are the processes of the parts alone; the all-in-one has none.
func (b *bench) stores(names ...string) map[string]int {
	pids := map[string]int{}
	if !b.embedded {
		for _, name := range names {
			pids[name] = part(name)
		}
	}
	return processes(pids)
}

// sinksAt is where the sinks tell how far they are.
func (b *bench) sinksAt() string {
	if p := b.Program("sinks"); p != nil {
		return p.Listen
	}
	for _, setting := range b.Program("local").Env {
		if at, found := strings.CutPrefix(setting, "CHATLOG_SINKS_LISTEN="); found {
			return at
		}
	}
	return ""
}

// lag is an error as long as the groups, or the views of the all-in-one, are behind.
func (b *bench) lag(ctx context.Context, groups ...string) error {
	if !b.embedded {
		return b.parts.Lag(ctx, groups...)
	}
	c := client.New("http://"+b.sinksAt(), 1)
	defer c.Close()
	for range 2 { // how far the log goes a sink knows from its last look, which lasts half a second when there is nothing
		behind, err := c.Metric(ctx, "chatlog_sink_lag_records")
		if err == nil && behind > 0 {
			err = fmt.Errorf("the views are %.0f records behind", behind)
		}
		if err != nil {
			return err
		}
		time.Sleep(time.Second)
	}
	return nil
}

// startEmbedded starts the all-in-one.
func (b *bench) startEmbedded(ctx context.Context) (err error) {
	if err := system.Build(ctx, b.bin, "chatlog/deploy/local", "chatlog/deploy/bench/yardstick"); err != nil {
		return err
	}
	if b.System, err = system.Embedded(b.bin, b.dir, "CHATLOG_LOG_LEVEL=warn"); err != nil {
		return err
	}
	return errors.Join(b.profiled(b.Program("local")), b.Start(ctx), b.populate(ctx))
}

// searchedAlone tells how fast the embedded index is searched. Nobody else can open
// it meanwhile, so there is no yardstick.
func (b *bench) searchedAlone(ctx context.Context) error {
	const name = "search in a chat"
	if !b.only.MatchString(name) {
		return nil
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	words := []string{"work", "play", "\"no play\"", "wor", "plya"}
	paths := make([]string, len(words))
	for i, word := range words {
		paths[i] = "/application/" + b.tokens[0] + "/chat/1/search?q=" + url.QueryEscape(word)
	}
	s, err := b.answered(slices.Clone(paths), "elasticsearch")(ctx, b.round)
	if err != nil {
		return err
	}
	b.figure(Figure{Name: fmt.Sprintf("%s of %d messages that all have the words", name, b.deep), CPU: s.CPU,
		Value: fmt.Sprintf("%.0f/s, p50 %.1f ms, p99 %.1f ms", s.Rate, s.P50.Seconds()*1000, s.P99.Seconds()*1000)})
	return nil
}
