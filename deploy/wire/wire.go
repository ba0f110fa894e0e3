// Package wire is a way to a part that can be made bad: late, or losing what comes
// back.
package wire

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Wire leads from one address to another.
type Wire struct{ proxy *toxiproxy.Proxy }

var toxics = toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())

// New opens a way from listen to upstream, both host:port.
func New(listen, upstream string) (*Wire, error) {
	w := &Wire{toxiproxy.NewProxy(toxics, "from "+listen, listen, upstream)}
	return w, w.proxy.Start()
}

// Spoil makes what comes back late, or lost, by one of Toxiproxy's toxics. toxicity
// is the share of connections that have it.
func (w *Wire) Spoil(kind string, toxicity float64, attributes map[string]int) error {
	text, err := json.Marshal(map[string]any{"name": kind, "type": kind, "stream": "downstream", "toxicity": toxicity, "attributes": attributes})
	if err != nil {
		return err
	}
	_, err = w.proxy.Toxics.AddToxicJson(strings.NewReader(string(text)))
	return err
}

// Mend takes all toxics away.
func (w *Wire) Mend(ctx context.Context) { w.proxy.Toxics.ResetToxics(ctx) }

// Close ends the way and everything that is on it.
func (w *Wire) Close() { w.proxy.Stop() }
