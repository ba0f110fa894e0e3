package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/analysis"
	"chatlog/shared/view"
)

// document is a message as it is indexed. Every field serves a query or the
// audit; words and grams are not kept in _source.
type document struct {
	Application string `json:"application"`
	Chat        int64  `json:"chat"`
	Number      int64  `json:"number"`
	Created     int64  `json:"created"` // microseconds since 1970
	Edited      int64  `json:"edited,omitempty"`
	Deleted     bool   `json:"deleted"`
	Message     string `json:"message,omitempty"`
	Words       string `json:"words,omitempty"`
	Grams       string `json:"grams,omitempty"`
}

// bulkBytes bounds one _bulk request; a document of 64 KiB of text takes about
// 400 KB of it.
const bulkBytes = 8 << 20

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
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	first := 0
	for i, m := range messages {
		if err := encode(&body, encoder, m); err != nil {
			return nil, err
		}
		if body.Len() < bulkBytes && i < len(messages)-1 {
			continue
		}
		refused, err := x.bulk(ctx, &body, messages[first:i+1])
		if err != nil {
			return nil, err
		}
		rejections = append(rejections, refused...)
		first = i + 1
		body.Reset()
	}
	return rejections, nil
}

func encode(body *bytes.Buffer, encoder *json.Encoder, m view.Message) error {
	body.WriteString(`{"index":{"_id":"`)
	body.WriteString(documentID(m))
	body.WriteString(`","routing":"`)
	body.WriteString(m.Application)
	body.WriteString(`","version_type":"external_gte","version":`)
	body.WriteString(strconv.FormatInt(m.Version, 10))
	body.WriteString("}}\n")
	d := document{Application: m.Application, Chat: m.Chat, Number: m.Number, Created: m.Created.UnixMicro(), Deleted: m.Deleted}
	if !m.Edited.IsZero() {
		d.Edited = m.Edited.UnixMicro()
	}
	if !m.Deleted {
		fields := analysis.Index(m.Text)
		d.Message, d.Words, d.Grams = m.Text, fields.Words, fields.Grams
	}
	return encoder.Encode(d)
}

func documentID(m view.Message) string {
	return m.Application + ":" + strconv.FormatInt(m.Chat, 10) + ":" + strconv.FormatInt(m.Number, 10)
}

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
func (x *Index) bulk(ctx context.Context, body *bytes.Buffer, messages []view.Message) ([]view.Rejection, error) {
	alias := true
	var answer bulkAnswer
	r := esapi.BulkRequest{Index: x.cfg.Alias, Body: bytes.NewReader(body.Bytes()), RequireAlias: &alias,
		FilterPath: []string{"errors", "items.*.status", "items.*.error"}}
	if err := x.do(ctx, "bulk", r, &answer); err != nil {
		return nil, err
	}
	if !answer.Errors {
		return nil, nil
	}
	if len(answer.Items) != len(messages) {
		return nil, transient("bulk", fmt.Errorf("%d verdicts for %d documents", len(answer.Items), len(messages)))
	}
	var rejections []view.Rejection
	for i, item := range answer.Items {
		for _, verdict := range item {
			switch {
			case verdict.Status < 300, verdict.Status == http.StatusConflict:
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
