package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/ingest/ingestd"
	"chatlog/query/queryd"
	"chatlog/shared/config"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview/bleve"
	"chatlog/shared/sqlview"
	"chatlog/shared/sqlview/sqlite"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

// parts are the embedded parts. Kafka and Redis are reached over loopback by
// the same clients as the real ones.
type parts struct {
	lock   *os.File
	disk   *disk
	kafka  *kfake.Cluster
	redis  *miniredis.Miniredis
	rows   *sqlview.View
	index  *bleve.Index
	secret config.Secret
	ticker context.CancelFunc
	ticked sync.WaitGroup
}

// openParts opens everything in a folder, which one process at a time may use.
func openParts(cfg Section, logger *slog.Logger) (p *parts, err error) {
	dir := cfg.DataDir
	p = &parts{disk: newDisk(dir, cfg.MinFree, logger)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return p, err
	}
	if p.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return p, err
	}
	if err := syscall.Flock(int(p.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return p, fmt.Errorf("%s is in use by another process: %w", dir, err)
	}
	if p.secret, err = readSecret(filepath.Join(dir, "token-secret")); err != nil {
		return p, err
	}
	if p.kafka, err = openBroker(filepath.Join(dir, "kafka"), p.disk); err != nil {
		return p, err
	}
	if p.rows, err = sqlite.Open(filepath.Join(dir, "view.db")); err != nil {
		return p, err
	}
	if p.index, err = bleve.Open(filepath.Join(dir, "search")); err != nil {
		return p, err
	}
	return p, p.startRedis()
}

// tick is how often the embedded Redis is told that time has passed; keys
// expire only then.
const tick = 500 * time.Millisecond

func (p *parts) startRedis() error {
	p.redis = miniredis.NewMiniRedis()
	if err := p.redis.StartAddr("127.0.0.1:0"); err != nil {
		return fmt.Errorf("redis: %w", err)
	}
	var ctx context.Context
	ctx, p.ticker = context.WithCancel(context.Background())
	p.ticked.Go(func() {
		t := time.NewTicker(tick)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				p.redis.FastForward(tick)
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// readSecret reads the secret that tokens are derived with, or makes it: it
// must be the same for ever.
func readSecret(path string) (config.Secret, error) {
	content, err := os.ReadFile(path)
	if err == nil && len(content) >= 32 {
		return config.Secret(content), nil
	}
	if err == nil { // another one would make retries of acked requests new applications
		return "", fmt.Errorf("%s is damaged: give the old one back, or delete it if no Idempotency-Key was ever used for an application", path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	raw := make([]byte, 32)
	rand.Read(raw) // never fails: crypto/rand ends the program instead
	text := hex.EncodeToString(raw)
	return config.Secret(text), errors.Join(writeSynced(path+".new", text), os.Rename(path+".new", path), syncFolder(filepath.Dir(path)))
}

func writeSynced(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// close closes what is open, in reverse order.
func (p *parts) close() error {
	var errs []error
	if p.ticker != nil {
		p.ticker()
		p.ticked.Wait()
	}
	if p.redis != nil {
		p.redis.Close()
	}
	if p.index != nil {
		errs = append(errs, p.index.Close())
	}
	if p.rows != nil {
		errs = append(errs, p.rows.Close())
	}
	p.disk.close() // it asks the broker
	if p.kafka != nil {
		p.kafka.Close()
	}
	if p.lock != nil {
		errs = append(errs, p.lock.Close())
	}
	return errors.Join(errs...)
}

// house is the three services over the embedded parts.
type house struct {
	ingest *ingestd.Service
	sinks  *sinkd.Service
	query  *queryd.Service
}

func compose(cfg Config, p *parts, logger *slog.Logger) (h house, err error) {
	cfg.Kafka.Brokers = p.kafka.ListenAddrs()
	cfg.Redis.Address = p.redis.Addr()
	if cfg.Ingest.TokenSecret == "" {
		cfg.Ingest.TokenSecret = p.secret
	}
	if cfg.Forward.Secret == "" { // who passes requests on here, lives as long as this process
		cfg.Forward.Secret = config.Secret(rand.Text() + rand.Text())
	}
	registry := telemetry.NewRegistry()
	p.disk.register(registry)
	h.ingest, err = ingestd.New(
		ingestd.Config{Log: cfg.Log, Tracing: cfg.Tracing, Kafka: cfg.Kafka, Topics: cfg.Topics, MySQL: mysqlconn.Default(), Redis: cfg.Redis, Limits: cfg.Limits, Forward: cfg.Forward, Ingest: cfg.Ingest},
		ingestd.Parts{Log: logger, Metrics: registry, Rows: p.rows, Needs: []telemetry.Part{p.disk.part(true)},
			Refusing: func() bool { return p.disk.room() != nil }})
	if err != nil {
		return h, err
	}
	h.sinks, err = sinkd.New(
		sinkd.Config{Log: cfg.Log, Tracing: cfg.Tracing, Kafka: cfg.Kafka, Topics: cfg.Topics, Sinks: cfg.Sinks},
		sinkd.Parts{Log: logger, Metrics: telemetry.NewRegistry(), Rows: p.rows, Index: p.index})
	if err != nil {
		return h, err
	}
	h.query, err = queryd.New(
		queryd.Config{Log: cfg.Log, Tracing: cfg.Tracing, Kafka: cfg.Kafka, Topics: cfg.Topics, Redis: cfg.Redis, Limits: cfg.Limits, Elasticsearch: searchconn.Default(), Forward: cfg.Forward, Query: cfg.Query},
		queryd.Parts{Log: logger, Metrics: telemetry.NewRegistry(), Rows: p.rows, Index: p.index, Needs: []telemetry.Part{p.disk.part(false)}})
	return h, err
}
