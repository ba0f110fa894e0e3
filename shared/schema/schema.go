// Package schema holds the shapes of the views: the SQL migrations of each
// engine. They are part of the program and applied by it.
package schema

import (
	"embed"
	"io/fs"
	"path"
	"slices"
)

//go:embed mysql/*.sql sqlite/*.sql
var files embed.FS

// Migration is one step of a schema; its number is its place in the list, from 1.
type Migration struct {
	Name string
	SQL  string
}

// Migrations gives an engine's steps in order; engine is "mysql" or "sqlite".
func Migrations(engine string) []Migration {
	names, err := fs.Glob(files, path.Join(engine, "*.sql"))
	if err != nil || len(names) == 0 {
		panic("schema: no migrations of " + engine) // a defect of the build
	}
	slices.Sort(names)
	out := make([]Migration, 0, len(names))
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			panic(err) // the file was just listed
		}
		out = append(out, Migration{Name: path.Base(name), SQL: string(text)})
	}
	return out
}
