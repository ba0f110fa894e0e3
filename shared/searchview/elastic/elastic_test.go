package elastic

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"chatlog/shared/parts"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview"
	"chatlog/shared/searchview/searchviewtest"
)

func TestConformance(t *testing.T) {
	base := parts.Elasticsearch(t)
	searchviewtest.Run(t, func(t *testing.T) searchviewtest.Fixture {
		cfg := searchconn.Default()
		cfg.Addresses = []string{base}
		cfg.Alias = fmt.Sprintf("conformance-%d", time.Now().UnixNano())
		cfg.Shards = 2
		remove := func() {
			r, err := http.NewRequest(http.MethodDelete, fmt.Sprintf("%s/%s-%06d", base, cfg.Alias, version), nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
		}
		t.Cleanup(remove)
		return searchviewtest.Fixture{Lose: remove, Open: func() searchview.Index {
			x, err := Open(cfg, 12)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}}
	})
}
