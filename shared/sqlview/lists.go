package sqlview

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// Messages reads a page of a chat's messages without tombstones; they are given
// without their versions. found says whether there is such a chat.
func (v *View) Messages(ctx context.Context, partition int32, chat view.ChatKey, page Page) (out []view.Message, found bool, p view.Progress, err error) {
	where, order, after := page.bounds()
	l := list{
		owner: "LEFT JOIN chat o ON o.application = ? AND o.number = ?",
		page: "SELECT number, message, created, edited FROM message WHERE application = ? AND chat = ? AND " +
			where + " AND deleted = 0 ORDER BY " + order + " LIMIT ?",
		empty: ", 0, 0",
	}
	out = make([]view.Message, 0, page.Limit)
	var created, edited int64
	found, p, err = v.list(ctx, l, partition, []any{chat.Application, chat.Number, partition, chat.Application, chat.Number, after, page.Limit},
		[]any{&created, &edited}, func(number int64, text string) error {
			out = append(out, view.Message{Application: chat.Application, Chat: chat.Number, Number: number, Text: text,
				Created: createdAt(created), Edited: editedAt(edited)})
			return nil
		})
	inOrder(out, page, func(m view.Message) int64 { return m.Number })
	return out, found, p, err
}

// Chats reads a page of an application's chats; they are given without their
// versions. found says whether there is such an application.
func (v *View) Chats(ctx context.Context, partition int32, application string, page Page) (out []view.Chat, found bool, p view.Progress, err error) {
	where, order, after := page.bounds()
	l := list{
		owner: "LEFT JOIN application o ON o.token = ?",
		page: "SELECT number, messages, created FROM chat WHERE application = ? AND " +
			where + " ORDER BY " + order + " LIMIT ?",
		empty: ", 0",
	}
	out = make([]view.Chat, 0, page.Limit)
	var created int64
	found, p, err = v.list(ctx, l, partition, []any{application, partition, application, after, page.Limit}, []any{&created},
		func(number int64, count string) error {
			messages, err := strconv.ParseInt(count, 10, 64)
			out = append(out, view.Chat{Application: application, Number: number, Messages: messages, Created: createdAt(created)})
			return err
		})
	inOrder(out, page, func(c view.Chat) int64 { return c.Number })
	return out, found, p, err
}

// list is a page with its head, in one statement and so of one snapshot: a first
// row that says how far the view has come and whether whose list it is, is there;
// and the page's rows, which are read in the order of the primary key and not
// sorted or copied by the database.
//
// The head lies in the page's own columns, since each column costs something in
// every row: its number is below zero, and what else it says is one text.
type list struct {
	owner string // joins what the list belongs to, as o
	page  string // selects a number, something as a text, and more numbers
	empty string // what the head has in place of those
}

// head is what the first row's text says; a text without the last part says that
// the owner is not there. None of the parts contains the space between them.
const head = "SELECT -1 - p.next_offset, CONCAT_WS(' ', p.log, p.generation, p.last_offset, p.last_id, o.version)"

// list reads into more and calls take for each of the page's rows.
func (v *View) list(ctx context.Context, l list, partition int32, args, more []any, take func(number int64, text string) error) (found bool, p view.Progress, err error) {
	rows, err := v.read.QueryContext(ctx, head+l.empty+" FROM progress p "+l.owner+ofPartition+" UNION ALL "+v.dialect.Branch(l.page), args...)
	if err != nil {
		return false, p, v.fail("list", err)
	}
	defer rows.Close()
	p = noProgress(partition)
	var number int64
	var text string
	into := append([]any{&number, &text}, more...)
	for rows.Next() {
		if err = rows.Scan(into...); err == nil {
			if number >= 0 {
				err = take(number, text)
			} else {
				p.Next = -1 - number
				found, err = readHead(text, &p)
			}
		}
		if err != nil {
			return false, p, v.fail("list", err)
		}
	}
	if err := rows.Err(); err != nil {
		return false, p, v.fail("list", err)
	}
	return found, p, nil
}

func readHead(text string, p *view.Progress) (owned bool, err error) {
	parts := strings.Split(text, " ")
	if len(parts) < 4 {
		return false, fmt.Errorf("the head of a list is %q", text)
	}
	generation, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil {
		return false, err
	}
	p.Log, p.Generation, p.LastID = position.LogID(parts[0]), uint32(generation), parts[3]
	p.LastOffset, err = strconv.ParseInt(parts[2], 10, 64)
	return len(parts) > 4, err
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
