package system

import (
	"context"
	"fmt"
	"time"
)

// Eventually waits until a condition holds, and tells what was wrong last when it
// does not in time.
func Eventually(ctx context.Context, patience time.Duration, holds func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := holds(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", patience, err)
		case <-time.After(20 * time.Millisecond): // between two looks
		}
	}
}
