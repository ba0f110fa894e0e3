package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"

	"chatlog/shared/command"
)

// Planner takes rows in order and gives records and findings. After an error of
// emit it must not be used any more.
type Planner struct {
	choices Choices
	emit    func(Record) error
	found   func(Finding)
	totals  Totals
	held    *Row // the last row, until it is known to be the only one with its key
	app     parent
	chat    parent
}

// parent is the application or the chat whose rows are coming.
type parent struct {
	open    bool
	row     Row
	key     string // appID, or chatID
	has     bool   // there is a row of it
	made    bool   // it is created
	skipped bool   // it and all of it is left out
	token   string // of an application: the new one
	number  int64  // of a chat: the new one
	last    int64  // the last number that was given in it
	most    uint64 // the greatest number in its rows
	rows    int64  // distinct numbers in its rows
	time    time.Time
}

// New makes a planner. found sees findings as they are met.
func New(c Choices, emit func(Record) error, found func(Finding)) *Planner {
	return &Planner{choices: c, emit: emit, found: found, totals: Totals{Faults: map[Fault]int64{}}}
}

// Totals gives what was planned so far.
func (p *Planner) Totals() Totals { return p.totals }

func (p *Planner) fault(f Fault, r Row, choice, format string, args ...any) {
	choice = cmp.Or(choice, Stop)
	p.totals.Faults[f]++
	if choice == Stop {
		p.totals.Stops++
	}
	p.found(Finding{f, r, fmt.Sprintf(format, args...), choice})
}

// Take takes the next row.
func (p *Planner) Take(r Row) error {
	if bad := badNumber(&r); bad != "" {
		p.fault(BadNumber, r, p.choices.Numbers, "%q is no number from 1 to %d", bad, int64(math.MaxInt64))
		p.totals.Dropped++
		return nil
	}
	if p.held == nil || !sameKey(p.held, &r) {
		before := p.held
		p.held = &r
		if before == nil {
			return nil
		}
		return p.settle(*before)
	}
	fault := [...]Fault{DuplicateApplication, DuplicateChat, DuplicateMessage}[r.Kind]
	p.fault(fault, r, p.choices.Duplicates, "the row %d has the same key", p.held.ID)
	p.totals.Dropped++
	if p.choices.Duplicates == "last" {
		p.held = &r
	}
	return nil
}

// Finish takes the last row and ends what is open.
func (p *Planner) Finish() error {
	if p.held != nil {
		if err := p.settle(*p.held); err != nil {
			return err
		}
		p.held = nil
	}
	return p.endApplication()
}

// badNumber gives the text that is no number; empty: all are.
func badNumber(r *Row) string {
	plain := func(text string, key uint64) bool {
		return key >= 1 && key <= math.MaxInt64 && strconv.FormatUint(key, 10) == text
	}
	switch {
	case r.Kind >= Chat && !plain(r.Chat, r.ChatKey):
		return cmp.Or(r.Chat, "NULL")
	case r.Kind == Message && !plain(r.Number, r.NumberKey):
		return cmp.Or(r.Number, "NULL")
	}
	return ""
}

func sameKey(a, b *Row) bool {
	return a.Kind == b.Kind && a.Application == b.Application && a.ChatKey == b.ChatKey && a.NumberKey == b.NumberKey
}

// settle plans one row that is the only one of its key.
func (p *Planner) settle(r Row) error {
	if !p.app.open || p.app.key != r.Application {
		if err := p.endApplication(); err != nil {
			return err
		}
		p.beginApplication(r)
	}
	if p.app.skipped {
		p.totals.Dropped++
		return nil
	}
	switch r.Kind {
	case Application:
		return p.application(r)
	case Chat:
		return p.chatRow(r)
	}
	return p.message(r)
}

// beginApplication judges a token at its first row.
func (p *Planner) beginApplication(r Row) {
	p.app = parent{open: true, key: r.Application, token: r.Application, row: r}
	if command.ValidToken(r.Application) {
		return
	}
	if p.choices.Tokens == "derive" {
		p.app.token = Derive(r.Application)
		p.fault(BadToken, r, p.choices.Tokens, "becomes %s", p.app.token)
		return
	}
	p.app.skipped = true
	p.fault(BadToken, r, p.choices.Tokens, "not 32 or 8 lower-case hex digits")
}

// Derive gives the token that takes the place of one that chatlog does not take.
func Derive(token string) string {
	sum := sha256.Sum256([]byte("chatlog movein\x00" + token))
	return hex.EncodeToString(sum[:16])
}

func (p *Planner) application(r Row) error {
	p.app.has, p.app.row = true, r
	return p.makeApplication(p.username(r), "", p.time(r))
}

func (p *Planner) makeApplication(name, part string, at time.Time) error {
	p.app.made, p.app.time = true, at
	p.totals.Applications++
	return p.record(Record{ID: id(Application, p.app.key, 0, 0, part), Op: command.ApplicationCreate, Username: name, Time: p.app.time})
}

// record gives one record of the application whose rows are coming.
func (p *Planner) record(r Record) error {
	r.Application = p.app.token
	p.totals.Records++
	return p.emit(r)
}

// chatRow plans a row of the chats.
func (p *Planner) chatRow(r Row) error {
	if err := p.endChat(); err != nil {
		return err
	}
	if !p.app.has {
		p.fault(NoApplication, r, p.choices.Orphans, "there is no application with this key")
		if p.choices.Orphans == "skip" { // its messages then have no chat
			p.totals.Dropped++
			return nil
		}
	}
	return p.beginChat(r, true, p.time(r))
}

// beginChat makes a chat, and whatever has to be there before it.
func (p *Planner) beginChat(r Row, has bool, at time.Time) error {
	if err := p.endChat(); err != nil {
		return err
	}
	if !p.app.made {
		if err := p.makeApplication(AdoptedName, "adopted", at); err != nil {
			return err
		}
	}
	if has {
		p.app.rows++
	}
	if p.gap(ChatGap, r, &p.app, r.ChatKey) {
		if err := p.fillChats(int64(r.ChatKey)-1, at); err != nil {
			return err
		}
	}
	p.app.most = r.ChatKey
	p.app.last++
	p.chat = parent{open: true, key: r.Chat, row: r, has: has, made: true, number: p.app.last, time: at}
	part := ""
	if !has {
		part = "adopted"
	}
	p.app.time = at
	p.totals.Chats++
	return p.record(Record{ID: id(Chat, p.app.key, r.ChatKey, 0, part), Op: command.ChatCreate, Chat: p.chat.number, Time: at})
}

// fillChats makes the chats that are missing up to a number: empty ones, since a
// chat cannot be deleted.
func (p *Planner) fillChats(to int64, at time.Time) error {
	for p.app.last < to {
		p.app.last++
		p.totals.Chats++
		if err := p.record(Record{ID: id(Chat, p.app.key, uint64(p.app.last), 0, "gap"), Op: command.ChatCreate, Chat: p.app.last, Time: at}); err != nil {
			return err
		}
	}
	return nil
}

// gap finds out whether numbers are missing before one, and whether they are filled.
func (p *Planner) gap(f Fault, r Row, in *parent, number uint64) (fill bool) {
	missing := number - in.most - 1
	switch {
	case missing == 0:
		return false
	case p.choices.Gaps == "renumber":
	case missing > uint64(p.choices.MaxGap):
		p.fault(HugeGap, r, Stop, "the numbers %d to %d are missing: more than --max-gap=%d", in.most+1, number-1, p.choices.MaxGap)
		in.last = int64(number) - 1 // to go on finding
		return false
	default:
		fill = true
	}
	p.fault(f, r, p.choices.Gaps, "the numbers %d to %d are missing", in.most+1, number-1)
	return fill
}

// lost is how far a count says that numbers were given, when they are to be filled.
func (p *Planner) lost(of *parent) (to int64, fill bool) {
	if p.choices.Counts != "fill" || of.row.Count == nil || *of.row.Count <= of.last {
		return 0, false
	}
	if *of.row.Count-of.last > p.choices.MaxGap {
		p.fault(HugeGap, of.row, Stop, "the numbers %d to %d were given: more than --max-gap=%d", of.last+1, *of.row.Count, p.choices.MaxGap)
		return 0, false
	}
	return *of.row.Count, true
}

// endChat compares the count of the chat that ends, and fills it up to it.
func (p *Planner) endChat() error {
	c := &p.chat
	defer func() { p.chat = parent{} }()
	if !c.open || !c.has || c.row.Count == nil && c.rows == 0 || p.counted(c) {
		return nil
	}
	p.fault(MessagesCount, c.row, p.choices.Counts, "it says %s, there are %d messages up to number %d", count(c.row.Count), c.rows, c.most)
	if to, fill := p.lost(c); fill {
		return p.fillMessages(to, c.time)
	}
	return nil
}

// endApplication does the same for chats.
func (p *Planner) endApplication() error {
	if err := p.endChat(); err != nil {
		return err
	}
	a := &p.app
	defer func() { p.app = parent{} }()
	if !a.open || !a.has || a.row.Count == nil && a.rows == 0 || p.counted(a) {
		return nil
	}
	p.fault(ChatsCount, a.row, p.choices.Counts, "it says %s, there are %d chats up to number %d", count(a.row.Count), a.rows, a.most)
	if to, fill := p.lost(a); fill {
		return p.fillChats(to, a.time)
	}
	return nil
}

// counted reports whether the stored count is that of the rows, or the greatest
// number, which it is where a message was lost.
func (p *Planner) counted(of *parent) bool {
	return of.row.Count != nil && (*of.row.Count == of.rows || uint64(*of.row.Count) == of.most)
}

func count(c *int64) string {
	if c == nil {
		return "NULL"
	}
	return strconv.FormatInt(*c, 10)
}
