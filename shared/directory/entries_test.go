package directory

import (
	"maps"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// FuzzEntries: whatever lies under the directory's keys, those who read it get
// what was entered and nothing made of it, and an entry without an address is
// struck off.
func FuzzEntries(f *testing.F) {
	f.Add("0199d3a0-0000-7000-8000-000000000001", "http://127.0.0.1:8000", "left")
	f.Add("", "", "")
	f.Add("a:b", "\xff\r\n$5\r\n", "*")
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Close)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	f.Cleanup(func() { client.Close() })
	d := New(client, "x:")
	f.Fuzz(func(t *testing.T, id, url, stray string) {
		server.FlushAll()
		if err := d.Enter(t.Context(), id, url, time.Minute); err != nil {
			t.Fatal(err)
		}
		if stray != id { // in the list, and without an entry
			if _, err := server.SetAdd("x:ingest", stray); err != nil {
				t.Fatal(err)
			}
		}
		want := map[string]string{id: url}
		if url == "" {
			want = map[string]string{}
		}
		for range 2 {
			got, err := d.Entries(t.Context())
			if err != nil || !maps.Equal(got, want) {
				t.Fatalf("%q %v, must be %q", got, err, want)
			}
		}
		if server.Exists("x:ingest") {
			if has, err := server.SIsMember("x:ingest", stray); err != nil || has && stray != id {
				t.Fatalf("%q is not struck off: %v", stray, err)
			}
		}
		if err := d.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if urls, err := d.Lookup(t.Context()); err != nil || len(urls) != 0 {
			t.Fatalf("after it has gone: %q %v", urls, err)
		}
	})
}
