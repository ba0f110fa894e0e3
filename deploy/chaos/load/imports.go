package load

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/deploy/chaos/history"
	"chatlog/shared/retry"
)

// Importer brings in histories of other systems while clients call: it writes to the
// topic of imports, as backfill tools do.
type Importer struct {
	Brokers []string
	Topic   string
	Seed    uint64

	rand    *rand.Rand
	client  *kgo.Client
	apps    []*imported
	bursts  [][]history.Import // that can be brought in again
	records []history.Import
	err     error
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

// imported is an application as its history has it so far.
type imported struct {
	token    string
	messages []int64 // of each chat
	gone     map[[2]int64]bool
	made     int
}

const (
	importedApps = 6
	burstRecords = 25
	burstEvery   = 700 * time.Millisecond
	// importPatience is longer than any fault of Kafka: the order of an application's
	// records is lost with one that was given up.
	importPatience = 3 * time.Minute
)

// Start begins. The topic must be there.
func (i *Importer) Start(ctx context.Context) (err error) {
	i.rand = rand.New(rand.NewPCG(i.Seed, 77))
	if i.client, err = kgo.NewClient(kgo.SeedBrokers(i.Brokers...), kgo.UnknownTopicRetries(-1)); err != nil { // acked by all, idempotent, the key's partition
		return err
	}
	for range importedApps {
		i.apps = append(i.apps, &imported{token: strings.ReplaceAll(uuid.NewString(), "-", ""), gone: map[[2]int64]bool{}})
	}
	ctx, i.cancel = context.WithCancel(ctx)
	i.group.Go(func() {
		for n := 0; ctx.Err() == nil && i.err == nil; n++ {
			i.err = i.burst(context.WithoutCancel(ctx), n)
			retry.Wait(ctx, burstEvery)
		}
	})
	return nil
}

// Stop ends it, and gives every record with the place where it lies.
func (i *Importer) Stop() ([]history.Import, error) {
	i.cancel()
	i.group.Wait()
	i.client.Close()
	return i.records, i.err
}

// burst writes the next records of an application, or some again that it has written
// before.
func (i *Importer) burst(ctx context.Context, n int) error {
	var records []history.Import
	if n >= importedApps && i.rand.IntN(6) == 0 {
		records = append(records, i.bursts[i.rand.IntN(len(i.bursts))]...)
		for r := range records {
			records[r].Again = true
		}
	} else {
		app := i.apps[n%importedApps]
		for range burstRecords {
			records = append(records, app.next(i.rand))
		}
		i.bursts = append(i.bursts, records)
	}
	ctx, cancel := context.WithTimeout(ctx, importPatience)
	defer cancel()
	batch := make([]*kgo.Record, len(records))
	for r := range records {
		value, err := json.Marshal(records[r])
		if err != nil {
			return err
		}
		batch[r] = &kgo.Record{Topic: i.Topic, Key: []byte(records[r].App), Value: value}
	}
	if err := i.client.ProduceSync(ctx, batch...).FirstErr(); err != nil {
		return fmt.Errorf("writing imports: %w", err)
	}
	for r := range records {
		records[r].Partition, records[r].Offset = batch[r].Partition, batch[r].Offset
	}
	i.records = append(i.records, records...)
	return nil
}

// next is what comes next in the application's history, or now and then something that
// can never be imported.
func (a *imported) next(r *rand.Rand) history.Import {
	a.made++
	out := history.Import{ID: uuid.NewString(), App: a.token, Time: time.Date(2020, 1, 1, 0, 0, a.made, 0, time.UTC)}
	text := fmt.Sprintf("imported %d of %s", a.made, a.token)
	if a.made == 1 {
		out.Op, out.Username = history.CreateApplication, text
		return out
	}
	if len(a.messages) == 0 || r.IntN(20) == 0 {
		a.messages = append(a.messages, 0)
		out.Op, out.Chat = history.CreateChat, int64(len(a.messages))
		return out
	}
	out.Chat = 1 + r.Int64N(int64(len(a.messages)))
	last := &a.messages[out.Chat-1]
	out.Number, out.Op, out.Text = 1+r.Int64N(max(*last, 1)), history.Update, text
	at := [2]int64{out.Chat, out.Number}
	switch dice := r.IntN(20); {
	case dice == 0: // a number that can never be the next one
		out.Op, out.Number, out.Wrong = history.CreateMessage, 1_000_000_000, true
	case dice < 3 && *last > 0 && !a.gone[at]:
	case dice < 4 && *last > 0 && !a.gone[at]:
		out.Op, out.Text = history.Delete, ""
		a.gone[at] = true
	default:
		*last++
		out.Op, out.Number = history.CreateMessage, *last
	}
	return out
}
