package httpserve

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"chatlog/shared/fault"
)

// A store whose connection timed out fails with the very error that a request
// which arrives too slowly does. It may have done what it was asked for, so its
// client must not be told that the request has not even arrived.
func TestAStoreThatIsLateIsNoLateRequest(t *testing.T) {
	late := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, c := range []struct {
		err    error
		status int
	}{
		{late, http.StatusRequestTimeout},
		{fault.Wrap(fault.Transient, "The outcome is unknown", fmt.Errorf("kafka produce: %w", late)), http.StatusServiceUnavailable},
	} {
		w := httptest.NewRecorder()
		WriteError(w, c.err)
		if w.Code != c.status || (w.Header().Get("Retry-After") != "") != (c.status == http.StatusServiceUnavailable) {
			t.Errorf("%v: %d %v %s", c.err, w.Code, w.Header(), w.Body)
		}
	}
}
