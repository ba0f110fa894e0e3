package elastic

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/analysis"
	"chatlog/shared/jsontext"
	"chatlog/shared/view"
)

// document is what is kept of a message beside its words and grams, which are
// indexed and not kept. Every field serves a query or the audit.
type document struct {
	Application string `json:"application"`
	Chat        int64  `json:"chat"`
	Number      int64  `json:"number"`
	Created     int64  `json:"created"` // microseconds since 1970
	Edited      int64  `json:"edited"`  // zero: never
	Deleted     bool   `json:"deleted"`
	Message     string `json:"message"`
}

// bulkBytes bounds one _bulk request; a document of 64 KiB of text takes about
// 400 KB of it.
const bulkBytes = 8 << 20

// What a document takes about: so much by itself, and so many times its text.
const (
	documentBytes = 400
	textBytes     = 7
)

// Apply writes whole documents by synchronous _bulk requests, reads every
// item's verdict, and only then moves the progress.
func (x *Index) Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
	list, err := x.current(ctx, b.To.Partition)
	if err != nil {
		return nil, err
	}
	old := list[0]
	switch {
	case b.From > old.progress.Next:
		return nil, fmt.Errorf("%w: %d, progress %d", view.ErrHole, b.From, old.progress.Next)
	case old.progress.Log != "" && old.progress.Log != b.To.Log:
		return nil, fmt.Errorf("%w: %s, batch %s", view.ErrOtherLog, old.progress.Log, b.To.Log)
	}
	messages, err := x.alive(ctx, view.Fold(b.To.Generation, b.Entries).Messages)
	if err != nil {
		return nil, err
	}
	rejections, err := x.write(ctx, messages)
	if err != nil || len(rejections) > 0 || b.To.Next <= old.progress.Next {
		return rejections, err
	}
	return nil, x.writeProgress(ctx, old, b.To)
}

// write sends documents in as many requests as their size needs.
func (x *Index) write(ctx context.Context, messages []view.Message) (rejections []view.Rejection, err error) {
	body, first := newBody(messages), 0
	for i := range messages {
		body = appendDocument(body, &messages[i])
		if len(body) < bulkBytes && i < len(messages)-1 {
			continue
		}
		refused, err := x.bulk(ctx, body, messages[first:i+1])
		if err != nil {
			return nil, err
		}
		rejections = append(rejections, refused...)
		first = i + 1
		body = newBody(messages[first:]) // whoever sends the one before may still have hold of it
	}
	return rejections, nil
}

// newBody makes room for a request with these messages, as far as they go into one:
// made while it grows it would be copied a dozen times.
func newBody(messages []view.Message) []byte {
	size := 0
	for i := range messages {
		if size += documentBytes + textBytes*len(messages[i].Text); size > bulkBytes {
			break
		}
	}
	return make([]byte, 0, size)
}

// appendDocument writes what a _bulk request has of a message: where it goes, and a
// document: the fields of type document, and words and grams.
func appendDocument(dst []byte, m *view.Message) []byte {
	dst = append(dst, `{"index":{"_id":"`...)
	dst = appendID(dst, m)
	dst = append(append(dst, `","routing":"`...), m.Application...)
	dst = strconv.AppendInt(append(dst, `","version_type":"external_gte","version":`...), m.Version, 10)
	dst = append(append(dst, "}}\n"+`{"application":"`...), m.Application...)
	dst = strconv.AppendInt(append(dst, `","chat":`...), m.Chat, 10)
	dst = strconv.AppendInt(append(dst, `,"number":`...), m.Number, 10)
	dst = strconv.AppendInt(append(dst, `,"created":`...), m.Created.UnixMicro(), 10)
	if !m.Edited.IsZero() {
		dst = strconv.AppendInt(append(dst, `,"edited":`...), m.Edited.UnixMicro(), 10)
	}
	dst = strconv.AppendBool(append(dst, `,"deleted":`...), m.Deleted)
	if !m.Deleted {
		fields := analysis.Index(m.Text)
		dst = appendText(dst, `,"message":`, m.Text)
		dst = appendText(dst, `,"words":`, fields.Words)
		dst = appendText(dst, `,"grams":`, fields.Grams)
	}
	return append(dst, "}\n"...)
}

func appendText(dst []byte, name, text string) []byte {
	if text == "" {
		return dst
	}
	return jsontext.AppendString(append(dst, name...), text)
}

func appendID(dst []byte, m *view.Message) []byte {
	dst = append(append(dst, m.Application...), ':')
	dst = append(strconv.AppendInt(dst, m.Chat, 10), ':')
	return strconv.AppendInt(dst, m.Number, 10)
}

func documentID(m view.Message) string { return string(appendID(nil, &m)) }

type bulkAnswer struct {
	Errors bool `json:"errors"`
	Items  []map[string]struct {
		Status int `json:"status"`
		Error  struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
			Cause  struct {
				Reason string `json:"reason"`
			} `json:"caused_by"`
		} `json:"error"`
	} `json:"items"`
}

// bulk sends one request. An item that already has a later version (409) is
// done; one that may succeed later fails the whole batch, which is tried again.
//
// Elasticsearch says in one word whether it took all of them, and mostly it did. If
// not, the same request again, which changes nothing of what was taken, asks for
// every item's verdict: a thousand of them cost both sides more than that.
func (x *Index) bulk(ctx context.Context, body []byte, messages []view.Message) ([]view.Rejection, error) {
	alias := true
	var answer bulkAnswer
	for _, parts := range [][]string{{"errors"}, {"errors", "items.*.status", "items.*.error"}} {
		r := esapi.BulkRequest{Index: x.cfg.Alias, Body: bytes.NewReader(body), RequireAlias: &alias, FilterPath: parts}
		answer = bulkAnswer{Errors: true} // an answer without the word is no yes
		if err := x.do(ctx, "bulk", r, &answer); err != nil {
			return nil, err
		}
		if !answer.Errors {
			return nil, nil
		}
	}
	return verdicts(answer, messages)
}

// verdicts reads what became of every document. A document without a verdict may
// or may not be in the index: the batch is tried again.
func verdicts(answer bulkAnswer, messages []view.Message) (rejections []view.Rejection, err error) {
	if len(answer.Items) != len(messages) {
		return nil, transient("bulk", fmt.Errorf("%d verdicts for %d documents", len(answer.Items), len(messages)))
	}
	for i, item := range answer.Items {
		if len(item) != 1 {
			return nil, transient("bulk", fmt.Errorf("%d verdicts for one document", len(item)))
		}
		for _, verdict := range item {
			switch {
			case verdict.Status >= 200 && verdict.Status < 300, verdict.Status == http.StatusConflict:
			case rejected(verdict.Status, verdict.Error.Type, verdict.Error.Reason):
				rejections = append(rejections, view.Rejection{Offset: messages[i].Version & (1<<44 - 1),
					Reason: verdict.Error.Type + ": " + verdict.Error.Reason + " " + verdict.Error.Cause.Reason})
			default:
				return nil, transient("bulk", &statusError{verdict.Status, verdict.Error.Type, verdict.Error.Reason})
			}
		}
	}
	return rejections, nil
}

// rejected reports whether a document can never be taken. Only what Elasticsearch
// says of the document itself is such a verdict: a closed index, one that is
// read-only, an alias without an index to write to and the like come with each
// item, too, some of them as 400, and an operator mends them.
func rejected(status int, kind, reason string) bool {
	if status != http.StatusBadRequest {
		return false
	}
	switch kind {
	case "document_parsing_exception", "mapper_parsing_exception", "strict_dynamic_mapping_exception":
		return true
	}
	return kind == "illegal_argument_exception" && strings.Contains(reason, "immense term")
}
