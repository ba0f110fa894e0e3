package faults

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver that the storm uses
)

// mysql breaks the database of the relational view, which is also ingest's
// index of cold items.
func mysql() []Fault {
	return []Fault{
		{"kill -9 of MySQL", Views, all, func(ctx context.Context, t *Turn) error {
			if err := t.World.Stack.Kill(ctx, "mysql"); err != nil {
				return err
			}
			t.Hold(ctx)
			ctx, cancel := undo(ctx)
			defer cancel()
			return t.World.Stack.Up(ctx, "mysql")
		}},
		{"MySQL read-only", Views, gets, func(ctx context.Context, t *Turn) error {
			if err := statement(ctx, t, "SET GLOBAL super_read_only = ON"); err != nil {
				return err
			}
			t.Hold(ctx)
			ctx, cancel := undo(ctx)
			defer cancel()
			return errors.Join(statement(ctx, t, "SET GLOBAL super_read_only = OFF"), statement(ctx, t, "SET GLOBAL read_only = OFF"))
		}},
		{"MySQL set back to an older dump", Views, all, setBack},
		{"deadlocks in MySQL", Views, gets, storm},
	}
}

func statement(ctx context.Context, t *Turn, text string) error {
	out, err := t.World.Stack.Tool(ctx, "mysql", "-uroot", "-e", text).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", text, err, out)
	}
	return nil
}

// setBack brings back what the database was a while ago, as an operator would:
// with the sinks stopped, progress removed first and restored last, so that
// nobody believes a half restored database.
func setBack(ctx context.Context, t *Turn) error {
	tool := func(input []byte, name string, args ...string) ([]byte, error) {
		ctx, cancel := undo(ctx)
		defer cancel()
		_, port, err := net.SplitHostPort(t.World.Parts.MySQL)
		if err != nil {
			return nil, err
		}
		c := t.World.Stack.Tool(ctx, name, append([]string{"-uroot", "--protocol=socket", "-P", port}, args...)...)
		var out, problems bytes.Buffer
		c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(input), &out, &problems
		if err := c.Run(); err != nil {
			return nil, fmt.Errorf("%s: %w: %s", name, err, problems.String())
		}
		return out.Bytes(), nil
	}
	dump, err := tool(nil, "mysqldump", "--single-transaction", "--no-tablespaces", t.World.Parts.Database)
	if err != nil {
		return err
	}
	t.Hold(ctx) // the log goes on
	var errs []error
	for _, p := range t.World.Rows {
		defer t.World.Take(p)()
		errs = append(errs, p.Stop(graceful))
	}
	_, err = tool(nil, "mysql", "-e", "DROP TABLE progress", t.World.Parts.Database)
	errs = append(errs, err)
	_, err = tool(dump, "mysql", t.World.Parts.Database)
	errs = append(errs, err)
	t.note = fmt.Sprintf("a dump of %d KiB", len(dump)>>10)
	for _, p := range t.World.Rows {
		errs = append(errs, again(ctx, t, p))
	}
	return errors.Join(errs...)
}

// storm holds rows that the sink writes, in an order that deadlocks with it.
func storm(ctx context.Context, t *Turn) error {
	db, err := sql.Open("mysql", t.World.Parts.DSN(t.World.Parts.Database))
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	var mutex sync.Mutex
	deadlocks, rounds := 0, 0
	for i := range 6 {
		group.Go(func() {
			for ctx.Err() == nil {
				err := quarrel(ctx, db, i)
				mutex.Lock()
				if rounds++; err != nil {
					deadlocks++
				}
				mutex.Unlock()
			}
		})
	}
	t.Hold(ctx)
	cancel()
	group.Wait()
	t.note = fmt.Sprintf("%d of %d foreign transactions failed", deadlocks, rounds)
	return nil
}

// quarrel takes the rows of chats first and the progress of partitions after,
// while the sink takes the progress first.
func quarrel(ctx context.Context, db *sql.DB, i int) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // all that it is for
	for _, text := range []string{
		fmt.Sprintf("UPDATE chat SET messages = messages WHERE number %% 3 = %d", i%3),
		fmt.Sprintf("UPDATE application SET chats = chats WHERE chats %% 2 = %d", i%2),
		fmt.Sprintf("SELECT next_offset FROM progress WHERE partition_no %% 6 = %d FOR UPDATE", i),
	} {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}
