package audit

// Acked is one write that was answered with success.
type Acked struct {
	Application  string
	Chat, Number int64  // Number 0: the write made the chat; Chat 0: the application
	Text         string // of a message that was made
}

// History checks acked writes against the log: each is there, and none says
// anything else than the log.
func (t *Truth) History(acked []Acked) {
	given := map[MessageKey]int{}
	for _, a := range acked {
		key := MessageKey{a.Application, a.Chat, a.Number}
		if given[key]++; given[key] > 1 {
			t.find("history", "%v was acked %d times", key, given[key])
		}
		switch {
		case a.Chat == 0:
			if _, there := t.Applications[a.Application]; !there {
				t.find("history", "application %s was acked and is lost", a.Application)
			}
		case a.Number == 0:
			if _, there := t.Chats[ChatKey{a.Application, a.Chat}]; !there {
				t.find("history", "chat %v was acked and is lost", key)
			}
		default:
			if m, there := t.Messages[key]; !there || !m.Deleted && m.Edited.IsZero() && m.Text != a.Text {
				t.find("history", "message %v was acked as %.40q and is %+v", key, a.Text, m)
			}
		}
	}
}
