package bleve

import (
	"context"
	"fmt"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
)

// asyncErrors names the function that hears of what failed in the background.
const asyncErrors = "chatlog"

// retryWait is how long the engine waits after it could not write; by itself it
// would try again at once, with all of a processor, until the disk has room.
const retryWait = 100 * time.Millisecond

func init() {
	// It is called by the very goroutine that tries again.
	scorch.RegistryAsyncErrorCallbacks[asyncErrors] = func(error, string) { time.Sleep(retryWait) }
}

// open opens an index that exists. Its batches do not wait for the disk by
// themselves, see commit.
func open(path string) (bleve.Index, error) {
	return bleve.OpenUsing(path, map[string]any{"unsafe_batch": true, "asyncErrorCallbackName": asyncErrors})
}

// commit brings a batch into the index and waits until it is on the disk, or ctx
// ends: it may be written later then.
//
// The engine's own waiting cannot be had: when a write fails, on a full disk, it
// gives an error and discards the batch's segment, which searches use already
// and which it goes on trying to write; the next one to read it panics. Waiting
// for the callback instead, the batch is kept and written once there is room.
func commit(ctx context.Context, x bleve.Index, batch *bleve.Batch) error {
	written := make(chan error, 1)
	batch.SetPersistedCallback(func(err error) { written <- err })
	if err := x.Batch(batch); err != nil {
		return err
	}
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return fmt.Errorf("not on the disk yet: %w", context.Cause(ctx))
	}
}
