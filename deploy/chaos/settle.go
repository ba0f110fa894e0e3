package main

import (
	"context"
	"database/sql"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/judge"
	"chatlog/deploy/chaos/world"
)

// catchUpTime is how long the views may take to come to the log's end when
// nothing is written any more.
const catchUpTime = 3 * time.Minute

// examine reads the log, and compares both views and the API with it, once what was
// brought in is settled and the views have come to the log's end.
func examine(ctx context.Context, w *world.World) (*audit.Truth, *judge.Log, error) {
	settled := func(ctx context.Context) error {
		return w.Parts.Uncommitted(ctx, w.Parts.Imports, w.Parts.Groups+"-imports")
	}
	if err := world.Eventually(ctx, catchUpTime, settled); err != nil {
		return nil, nil, err
	}
	log := judge.NewLog()
	truth, err := audit.ReadEach(ctx, w.Parts.Kafka, w.Parts.Commands, log.Add)
	if err != nil {
		return nil, nil, err
	}
	db, err := sql.Open("mysql", w.Parts.DSN(w.Parts.Database))
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	if err := world.Eventually(ctx, catchUpTime, func(ctx context.Context) error { return truth.CaughtUp(ctx, db, w.Parts.IndexProgress) }); err != nil {
		return nil, nil, err
	}
	if err := truth.Rows(ctx, db); err != nil {
		return nil, nil, err
	}
	if err := truth.Index(ctx, w.Parts.Elasticsearch, w.Parts.Alias); err != nil {
		return nil, nil, err
	}
	if err := truth.Letters(ctx, w.Parts.Kafka, w.Parts.DeadLetters); err != nil {
		return nil, nil, err
	}
	return truth, log, truth.API(ctx, w.Readers()[0])
}

// judge compares what clients saw, and what was brought in, with the log and the views.
func (r *result) judge(ctx context.Context, w *world.World, brought []history.Import) error {
	truth, log, err := examine(ctx, w)
	if err != nil {
		return err
	}
	r.truth, r.verify = truth, verify(ctx, w)
	r.verdict = judge.Judge(r.calls, brought, log, truth, r.windows)
	return nil
}

// verify lets the operators' own audit have its say, too.
func verify(ctx context.Context, w *world.World) (said string) {
	p := w.Rows[0]
	c := exec.CommandContext(ctx, p.Path, "verify")
	c.Env, c.Dir = p.Env, p.Dir
	out, err := c.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	said = lines[len(lines)-1]
	if err != nil {
		said = fmt.Sprintf("FAILED (%v): %s", err, said)
	}
	return said
}
