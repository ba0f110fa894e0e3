package httpserve

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"os"
	"strconv"
	"sync"

	"chatlog/shared/fault"
)

type errorBody struct {
	Error string `json:"error"`
}

// statusOf is the one place where kinds become statuses.
var statusOf = map[fault.Kind]int{
	fault.Invalid:     http.StatusBadRequest,
	fault.TooLarge:    http.StatusRequestEntityTooLarge,
	fault.Unsupported: http.StatusUnsupportedMediaType,
	fault.NotFound:    http.StatusNotFound,
	fault.Conflict:    http.StatusUnprocessableEntity,
	fault.Limited:     http.StatusTooManyRequests,
	fault.Transient:   http.StatusServiceUnavailable,
	fault.Terminal:    http.StatusInternalServerError,
}

// WriteError answers with an error as every route does.
func WriteError(w http.ResponseWriter, err error) {
	var known *fault.Error // of a store: its connection may time out, too
	if !errors.As(err, &known) && errors.Is(err, os.ErrDeadlineExceeded) {
		w.Header().Set("Connection", "close")
		writeJSON(w, http.StatusRequestTimeout, errorBody{"Request took too long to arrive"})
		return
	}
	kind := fault.KindOf(err)
	if wait := fault.RetryAfterOf(err); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	if kind == fault.TooLarge {
		w.Header().Set("Connection", "close")
	}
	writeJSON(w, statusOf[kind], errorBody{fault.PublicOf(err)})
}

// replies is memory to make replies in.
var replies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// largestKept bounds the memory that is kept of a reply, in bytes: a few long
// lists must not hold their size for ever.
const largestKept = 64 << 10

// Appender is a reply that writes its own JSON, because there is much of it.
type Appender interface {
	AppendJSON(dst []byte) []byte
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body := replies.Get().(*bytes.Buffer)
	body.Reset()
	defer func() {
		if body.Cap() <= largestKept {
			replies.Put(body)
		}
	}()
	if long, ok := value.(Appender); ok {
		body.Write(long.AppendJSON(body.AvailableBuffer()))
	} else {
		encoder := json.NewEncoder(body)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil { // a defect: replies are plain structs
			panic(err)
		}
	}
	content := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(content))) // or a long list would go out in chunks
	w.WriteHeader(status)
	w.Write(content) // a client that has gone away is no error of ours
}
