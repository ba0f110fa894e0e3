package consume

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
)

// served is a log that gives its pages one after the other, and then nothing.
type served struct {
	pages []kafkaconn.Page
	began time.Time
	asked []time.Duration // when, after the first
}

func (s *served) Fetch(ctx context.Context, _ int32, _ int64, _ time.Duration) (kafkaconn.Page, error) {
	s.asked = append(s.asked, time.Since(s.began))
	if len(s.pages) == 0 {
		<-ctx.Done()
		return kafkaconn.Page{}, ctx.Err()
	}
	page := s.pages[0]
	s.pages = s.pages[1:]
	return page, nil
}

func (s *served) Bounds(context.Context, int32) (kafkaconn.Bounds, error) {
	return kafkaconn.Bounds{}, nil
}

// Records gather at the log's end if they come faster than one by one; one alone is
// brought in at once, and so is what is behind.
func TestRecordsGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		page := func(records int, next, end int64) kafkaconn.Page {
			return kafkaconn.Page{Records: make([]command.Record, records), Next: next, HighWatermark: end}
		}
		const gather = 20 * time.Millisecond
		log := &served{began: time.Now(), pages: []kafkaconn.Page{page(3, 3, 9), page(6, 9, 9), page(1, 10, 10), page(2, 12, 12), page(0, 12, 12)}}
		w := &worker{log: log, limits: Limits{Gather: gather}}
		ctx, cancel := context.WithCancel(t.Context())
		pages := w.prefetch(ctx, 0)
		for range 5 {
			<-pages
		}
		synctest.Wait()
		cancel()
		for range pages { // until it has ended
		}
		if want := []time.Duration{0, 0, gather, gather, 2 * gather, 2 * gather}; !slices.Equal(log.asked, want) {
			t.Errorf("asked after %v, must be %v", log.asked, want)
		}
	})
}
