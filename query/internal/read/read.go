// Package read answers from the relational view, never denying falsely what
// exists and never showing less than a reader has a right to see.
package read

import (
	"context"
	"errors"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// Waiter waits until a view has reached a position.
type Waiter interface {
	Wait(ctx context.Context, partition int32, next int64) error
}

// Ends gives the log's end as of now.
type Ends interface {
	Do(ctx context.Context, partition int32) (int64, error)
}

// Freshness is how long, and on what, a reader waits.
type Freshness struct {
	Waiter Waiter
	Ends   Ends
	Limit  time.Duration // the longest wait
	Count  func(outcome string)
}

// Want is what a reader has a right to see.
type Want struct {
	Partition int32
	Token     *position.Token // the write that it must see; nil: none
}

var (
	errBehind     = fault.New(fault.Transient, "The write is not visible yet, try again later")
	errUnsure     = fault.New(fault.Transient, "Not known yet, try again later")
	errOtherLog   = fault.New(fault.Invalid, "Consistency-Token is of another log")
	errOtherPlace = fault.New(fault.Invalid, "Consistency-Token is of another application")
)

// Settle reads until the answer may be given: what is found at once, unless the
// reader wants to see a certain write; what is not found only after the view
// has reached the log's end as of this call. Only the progress that came with
// the row itself counts. A token from beyond the log's end is waited for like
// any other: a new leader's end may lag for a moment (KIP-207), so it proves
// nothing about the token.
func Settle[T any](ctx context.Context, f *Freshness, want Want, read func(context.Context) (T, bool, view.Progress, error)) (T, bool, error) {
	var none T
	if want.Token != nil && want.Token.Partition != want.Partition {
		return none, false, errOtherPlace
	}
	ctx, cancel := context.WithTimeout(ctx, f.Limit)
	defer cancel()
	need, confirmed := int64(0), false
	if want.Token != nil {
		need = want.Token.Offset + 1
	}
	for waited := false; ; waited = true {
		value, found, p, err := read(ctx)
		if err != nil {
			return none, false, err
		}
		if want.Token != nil && p.Log != "" && p.Log != want.Token.Log {
			return none, false, errOtherLog
		}
		if p.Next >= need && (found || confirmed) {
			return value, found, nil
		}
		if !found && !confirmed {
			end, err := f.end(ctx, want.Partition)
			if err != nil {
				f.Count("unconfirmed")
				return none, false, late(found, err)
			}
			if confirmed, need = true, max(need, end); p.Next >= need {
				return value, found, nil
			}
		}
		if !waited {
			f.Count("waited")
		}
		if err := f.Waiter.Wait(ctx, want.Partition, need); err != nil {
			f.Count("timeout")
			return none, false, late(found, err)
		}
	}
}

// lookAgain is between two looks at the log's end that failed.
const lookAgain = 50 * time.Millisecond

// end gives the log's end as of now. For a moment after a partition has changed
// its leader the new one does not know it (KIP-207), which is no reason to send
// a reader away.
func (f *Freshness) end(ctx context.Context, partition int32) (int64, error) {
	for {
		end, err := f.Ends.Do(ctx, partition)
		if err == nil || !fault.Is(err, fault.Transient) {
			return end, err
		}
		select {
		case <-ctx.Done():
			return 0, err
		case <-time.After(lookAgain):
		}
	}
}

func late(found bool, err error) error {
	public := errUnsure.Public
	if found {
		public = errBehind.Public
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || fault.Is(err, fault.Transient) {
		return fault.Wrap(fault.Transient, public, err)
	}
	return err
}
