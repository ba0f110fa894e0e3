package sqlview

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"chatlog/shared/fault"
	"chatlog/shared/schema"
)

// Migrate brings the database to this program's schema. Any number of
// processes may call it at once: one migrates, the others wait. A database
// that is newer than the program gives a fault.Terminal.
func (v *View) Migrate(ctx context.Context) error {
	err := v.dialect.Lock(ctx, v.write, func(c *sql.Conn) error { return migrate(ctx, c, schema.Migrations(v.dialect.Engine)) })
	var newer *fault.Error
	if err == nil || errors.As(err, &newer) {
		return err
	}
	return v.fail("migrate", err)
}

func migrate(ctx context.Context, c *sql.Conn, steps []schema.Migration) error {
	if _, err := c.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL PRIMARY KEY)"); err != nil {
		return err
	}
	var version int
	if err := c.QueryRowContext(ctx, "SELECT COALESCE(MAX(version), 0) FROM schema_version").Scan(&version); err != nil {
		return err
	}
	if version > len(steps) {
		return fault.New(fault.Terminal, fmt.Sprintf("the database has schema %d, this program knows %d: use a newer chatlog", version, len(steps)))
	}
	for ; version < len(steps); version++ {
		for _, statement := range statements(steps[version].SQL) {
			if _, err := c.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", steps[version].Name, err)
			}
		}
		if _, err := c.ExecContext(ctx, "INSERT INTO schema_version (version) VALUES (?)", version+1); err != nil {
			return err
		}
	}
	return nil
}

// statements splits a migration. Every statement ends with a semicolon at the
// end of a line; a step may run again after a crash, so all are IF NOT EXISTS.
func statements(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "--") {
			lines = append(lines, line)
		}
	}
	var out []string
	for _, s := range strings.Split(strings.Join(lines, ""), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}
