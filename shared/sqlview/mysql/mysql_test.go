package mysql

import (
	"database/sql"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"chatlog/shared/mysqlconn"
	"chatlog/shared/parts"
	"chatlog/shared/sqlview"
	"chatlog/shared/sqlview/sqlviewtest"
)

var databases atomic.Int64

func TestConformance(t *testing.T) {
	cfg := parts.MySQL(t)
	sqlviewtest.Run(t, func(t *testing.T) sqlviewtest.Fixture {
		mine := cfg
		mine.Database = fmt.Sprintf("%s_conformance_%d", cfg.Database, databases.Add(1))
		admin := open(t, cfg)
		run(t, admin, "DROP DATABASE IF EXISTS "+mine.Database)
		run(t, admin, "CREATE DATABASE "+mine.Database)
		db := open(t, mine)
		t.Cleanup(func() { run(t, admin, "DROP DATABASE "+mine.Database) })
		return sqlviewtest.Fixture{
			Open: func() *sqlview.View {
				v, err := Open(mine)
				if err != nil {
					t.Fatal(err)
				}
				return v
			},
			Exec: func(query string) {
				for _, statement := range strings.Split(query, "; ") {
					run(t, db, statement)
				}
			},
		}
	})
}

func open(t *testing.T, cfg mysqlconn.Config) *sql.DB {
	db, err := mysqlconn.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func run(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
