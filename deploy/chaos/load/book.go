package load

import (
	"math/rand/v2"
	"sync"
)

// place is a message that somebody has made.
type place struct {
	app          string
	chat, number int64
	token        string // of the last write to it that somebody has heard of
	word         string // that only its first text has
}

// book is what all clients know of: chats to write to, and messages that
// several of them change at once.
type book struct {
	mutex  sync.Mutex
	chats  []place // number 0
	recent []place // the last ones, in a ring
	at     int
}

// recentMost is how many messages are fought for: few, so that edits and
// deletes of one message meet.
const recentMost = 60

// chatsMost is how many chats are written to: the first ones, for ever, and so
// long enough to be linearized.
const chatsMost = 40

func (b *book) addChat(app string, chat int64) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.chats) < chatsMost {
		b.chats = append(b.chats, place{app: app, chat: chat})
	}
}

func (b *book) addMessage(p place) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.recent) < recentMost {
		b.recent = append(b.recent, p)
		return
	}
	b.recent[b.at] = p
	b.at = (b.at + 1) % recentMost
}

func (b *book) chat(r *rand.Rand) place {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.chats[r.IntN(len(b.chats))]
}

func (b *book) message(r *rand.Rand) (place, bool) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.recent) == 0 {
		return place{}, false
	}
	return b.recent[r.IntN(len(b.recent))], true
}

// heard keeps a later token of a message.
func (b *book) heard(p place, token string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for i := range b.recent {
		if r := &b.recent[i]; r.app == p.app && r.chat == p.chat && r.number == p.number {
			r.token = token
		}
	}
}
