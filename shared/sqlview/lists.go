package sqlview

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"chatlog/shared/position"
	"chatlog/shared/view"
)

// Page says which part of a list is wanted: at most Limit items beyond the
// number After (0: from the list's end that comes first), upwards or downwards.
type Page struct {
	After      int64
	Limit      int
	Descending bool
}

// bounds gives the condition and order of a keyset page.
func (p Page) bounds() (where, order string, after int64) {
	if p.Descending {
		after = p.After
		if after == 0 {
			return "number <= ?", "number DESC", 1<<63 - 1
		}
		return "number < ?", "number DESC", after
	}
	return "number > ?", "number", p.After
}

// Messages reads a page of a chat's messages without tombstones. found says
// whether there is such a chat.
func (v *View) Messages(ctx context.Context, partition int32, chat view.ChatKey, page Page) (out []view.Message, found bool, p view.Progress, err error) {
	where, order, after := page.bounds()
	l := list{
		owner: "LEFT JOIN chat o ON o.application = ? AND o.number = ?",
		page: "SELECT " + noProgressColumns + ", number, message, created, edited, version FROM message WHERE application = ? AND chat = ? AND " +
			where + " AND deleted = 0 ORDER BY " + order + " LIMIT ?",
		columns: 5,
	}
	var number, created, edited, version sql.NullInt64
	var text sql.NullString
	found, p, err = v.list(ctx, l, partition, []any{chat.Application, chat.Number, partition, chat.Application, chat.Number, after, page.Limit},
		[]any{&number, &text, &created, &edited, &version}, func() {
			out = append(out, view.Message{Application: chat.Application, Chat: chat.Number, Number: number.Int64, Text: text.String,
				Created: fromMicros(created.Int64), Edited: fromMicros(edited.Int64), Version: version.Int64})
		})
	inOrder(out, page, func(m view.Message) int64 { return m.Number })
	return out, found, p, err
}

// Chats reads a page of an application's chats. found says whether there is
// such an application.
func (v *View) Chats(ctx context.Context, partition int32, application string, page Page) (out []view.Chat, found bool, p view.Progress, err error) {
	where, order, after := page.bounds()
	l := list{
		owner: "LEFT JOIN application o ON o.token = ?",
		page: "SELECT " + noProgressColumns + ", number, messages, created, version FROM chat WHERE application = ? AND " +
			where + " ORDER BY " + order + " LIMIT ?",
		columns: 4,
	}
	var number, messages, created, version sql.NullInt64
	found, p, err = v.list(ctx, l, partition, []any{application, partition, application, after, page.Limit}, []any{&number, &messages, &created, &version}, func() {
		out = append(out, view.Chat{Application: application, Number: number.Int64, Messages: messages.Int64,
			Created: fromMicros(created.Int64), Version: version.Int64})
	})
	inOrder(out, page, func(c view.Chat) int64 { return c.Number })
	return out, found, p, err
}

// list is a page with its head, in one statement and so of one snapshot: a first
// row that says how far the view has come and whether whose list it is, is there;
// and the page's rows, which are read in the order of the primary key and not
// sorted or copied by the database.
type list struct {
	owner   string // joins what the list belongs to, as o
	page    string
	columns int // of the page's own
}

// noProgressColumns stand where the head has the progress.
const noProgressColumns = "NULL, NULL, NULL, NULL, NULL, NULL"

// list reads into columns and calls take for each of the page's rows.
func (v *View) list(ctx context.Context, l list, partition int32, args, columns []any, take func()) (found bool, p view.Progress, err error) {
	empty := ""
	for range l.columns {
		empty += ", NULL"
	}
	rows, err := v.read.QueryContext(ctx, "SELECT "+readProgress+", o.version"+empty+" FROM progress p "+l.owner+ofPartition+
		" UNION ALL "+v.dialect.Branch(l.page), args...)
	if err != nil {
		return false, p, v.fail("list", err)
	}
	defer rows.Close()
	p = noProgress(partition)
	var log, last sql.NullString
	var generation, next, lastOffset, owner sql.NullInt64
	into := append([]any{&log, &generation, &next, &last, &lastOffset, &owner}, columns...)
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return false, p, v.fail("list", err)
		}
		if !log.Valid {
			take()
			continue
		}
		found = owner.Valid
		p.Log, p.Generation, p.Next, p.LastID, p.LastOffset = position.LogID(log.String), uint32(generation.Int64), next.Int64, last.String, lastOffset.Int64
	}
	if err := rows.Err(); err != nil {
		return false, p, v.fail("list", err)
	}
	return found, p, nil
}

// inOrder makes sure of a page's order, which databases keep although SQL does
// not promise it for a part of a UNION.
func inOrder[T any](list []T, page Page, number func(T) int64) {
	compare := func(a, b T) int { return cmp.Compare(number(a), number(b)) }
	if page.Descending {
		compare = func(a, b T) int { return cmp.Compare(number(b), number(a)) }
	}
	if !slices.IsSortedFunc(list, compare) {
		slices.SortFunc(list, compare)
	}
}
