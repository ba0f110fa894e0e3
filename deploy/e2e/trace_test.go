package e2e

import "testing"

// TestRealTraceparent: a write's trace goes with its record, through query and
// ingest; one that is none does not.
func TestRealTraceparent(t *testing.T) {
	h := real(t)
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	app := application(t, h.ingest)
	for _, value := range []string{trace, "none"} {
		if reply, err := h.query.Do(t.Context(), "POST", "/application/"+app+"/chat", "", []string{"Traceparent", value}); err != nil || reply.Status != 200 {
			t.Fatal(reply, err)
		}
	}
	seen := 0
	for _, r := range h.read(t, h.parts.Commands) {
		for _, header := range r.Headers {
			if header.Key == "traceparent" {
				if seen++; string(header.Value) != trace {
					t.Errorf("the record carries %q", header.Value)
				}
			}
		}
	}
	if seen != 1 {
		t.Errorf("%d records carry a trace, must be 1", seen)
	}
	truth := h.audit(t)
	report(t, truth)
}
