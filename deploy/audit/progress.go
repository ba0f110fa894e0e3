package audit

import (
	"context"
	"database/sql"
	"fmt"
)

// CaughtUp says what is missing until both views have come to the log's end.
// index gives the index's next offset in a partition.
func (t *Truth) CaughtUp(ctx context.Context, db *sql.DB, index func(ctx context.Context, partition int32) (int64, error)) error {
	for p, end := range t.Log.Ends {
		var next int64
		if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(next_offset), 0) FROM progress WHERE partition_no = ?", p).Scan(&next); err != nil {
			return err
		}
		documents, err := index(ctx, p)
		if err != nil {
			return err
		}
		if next < end || documents < end {
			return fmt.Errorf("partition %d: rows at %d, index at %d, log at %d", p, next, documents, end)
		}
	}
	return nil
}
