package sqlite

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"chatlog/shared/sqlview"
	"chatlog/shared/sqlview/sqlviewtest"
)

func TestConformance(t *testing.T) {
	sqlviewtest.Run(t, func(t *testing.T) sqlviewtest.Fixture {
		path := filepath.Join(t.TempDir(), "a view?.db") // what a path may hold
		return sqlviewtest.Fixture{
			Open: func() *sqlview.View {
				v, err := Open(path)
				if err != nil {
					t.Fatal(err)
				}
				return v
			},
			Exec: func(query string) {
				db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(path, "?", "%3f"))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if _, err := db.Exec(query); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}
