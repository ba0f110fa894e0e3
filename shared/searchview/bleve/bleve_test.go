package bleve

import (
	"path/filepath"
	"testing"

	"chatlog/shared/searchview"
	"chatlog/shared/searchview/searchviewtest"
)

func TestConformance(t *testing.T) {
	searchviewtest.Run(t, func(t *testing.T) searchviewtest.Fixture {
		path := filepath.Join(t.TempDir(), "index")
		return searchviewtest.Fixture{Open: func() searchview.Index {
			x, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}}
	})
}
