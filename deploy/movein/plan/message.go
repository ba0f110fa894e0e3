package plan

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"chatlog/shared/command"
)

// message plans a row of the messages.
func (p *Planner) message(r Row) error {
	at := p.time(r)
	ours := p.chat.open && p.chat.row.ChatKey == r.ChatKey
	if ours && p.chat.has {
		return p.number(r, at)
	}
	p.fault(NoChat, r, p.choices.Orphans, "there is no chat with this key")
	if p.choices.Orphans == "skip" {
		p.totals.Dropped++
		return nil
	}
	if !ours {
		if err := p.beginChat(Row{Kind: Chat, ID: r.ID, Application: r.Application, Chat: r.Chat, ChatKey: r.ChatKey}, false, at); err != nil {
			return err
		}
	}
	return p.number(r, at)
}

// number gives a message its number, after those that are missing before it.
func (p *Planner) number(r Row, at time.Time) error {
	c := &p.chat
	if p.gap(MessageGap, r, c, r.NumberKey) {
		if err := p.fillMessages(int64(r.NumberKey)-1, at); err != nil {
			return err
		}
	}
	c.last++
	c.most, c.time = r.NumberKey, at
	c.rows++
	text, dead := p.text(r)
	return p.create(c.last, r.NumberKey, "", text, at, dead)
}

// fillMessages takes the numbers that are missing up to one: messages that are
// deleted at once.
func (p *Planner) fillMessages(to int64, at time.Time) error {
	for c := &p.chat; c.last < to; {
		c.last++
		if err := p.create(c.last, uint64(c.last), "gap", MissingText, at, true); err != nil {
			return err
		}
	}
	return nil
}

// create makes one message, and deletes it if it is dead. old is its number in the
// replaced system.
func (p *Planner) create(number int64, old uint64, part, text string, at time.Time, dead bool) error {
	key, chat := p.app.key, p.chat.row.ChatKey
	p.totals.Messages++
	err := p.record(Record{ID: id(Message, key, chat, old, part), Op: command.MessageCreate, Chat: p.chat.number, Number: number, Message: text, Time: at})
	if err != nil || !dead {
		return err
	}
	p.totals.Tombstones++
	return p.record(Record{ID: id(Message, key, chat, old, part+"/delete"), Op: command.MessageDelete, Chat: p.chat.number, Number: number, Time: at})
}

// text judges a message's text; dead: the message is deleted at once.
func (p *Planner) text(r Row) (text string, dead bool) {
	if r.Text == nil || *r.Text == "" {
		p.fault(NoText, r, p.choices.Texts, "NULL or empty: taken as deleted")
		return MissingText, true
	}
	text = *r.Text
	odd, long := !utf8.ValidString(text), len(text) > command.MaxMessageBytes
	if odd {
		p.fault(OddText, r, p.choices.Texts, "not valid UTF-8 at byte %d", oddAt(text))
	}
	if long {
		p.fault(LongText, r, p.choices.Texts, "%d bytes, of at most %d", len(text), command.MaxMessageBytes)
	}
	if !odd && !long {
		return text, false
	}
	if p.choices.Texts != "mend" {
		return MissingText, true
	}
	return cut(strings.ToValidUTF8(text, "\uFFFD"), command.MaxMessageBytes), false
}

// cut shortens valid UTF-8 to at most so many bytes, between two characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

func oddAt(text string) int {
	for i, r := range text {
		if r != utf8.RuneError {
			continue
		}
		if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
			return i
		}
	}
	return len(text)
}

// username judges a username and gives one that can be.
func (p *Planner) username(r Row) string {
	if r.Text == nil || *r.Text == "" {
		p.fault(NoUsername, r, p.choices.Usernames, "becomes %q", NoName)
		return NoName
	}
	name := *r.Text
	if !utf8.ValidString(name) {
		p.fault(OddUsername, r, p.choices.Usernames, "not valid UTF-8 at byte %d", oddAt(name))
		name = strings.ToValidUTF8(name, "\uFFFD")
	}
	if n := utf8.RuneCountInString(name); n > command.MaxUsernameRunes {
		p.fault(LongUsername, r, p.choices.Usernames, "%d characters, of at most %d", n, command.MaxUsernameRunes)
		name = string([]rune(name)[:command.MaxUsernameRunes])
	}
	return name
}

// time gives the time of a row, or the one that was chosen for those without.
func (p *Planner) time(r Row) time.Time {
	if !r.Created.IsZero() && r.Created.Year() >= 1 && r.Created.Year() <= 9999 {
		return command.Now(r.Created)
	}
	choice := ""
	if !p.choices.Time.IsZero() {
		choice = p.choices.Time.Format(time.RFC3339)
	}
	p.fault(NoTime, r, choice, "no created_at")
	return command.Now(p.choices.Time)
}

// namespace keeps these ids apart from all other name-based UUIDs.
var namespace = uuid.MustParse("0f7a1f3a-5a8f-5a55-9a52-6d1b0c7e4d11")

// id derives a record's id from the row's table and keys in the replaced system, so
// that a second run imports nothing again. part tells records of one key apart.
func id(table Kind, application string, chat, number uint64, part string) string {
	var name []byte
	for _, f := range []string{table.String(), application, fmt.Sprint(chat), fmt.Sprint(number), part} {
		name = binary.AppendUvarint(name, uint64(len(f)))
		name = append(name, f...)
	}
	return uuid.NewSHA1(namespace, name).String()
}
