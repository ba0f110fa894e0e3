package audit

import (
	"context"
	"fmt"

	"chatlog/deploy/client"
)

// API compares what the reading API shows with the truth: every application,
// every chat and every message, with counts.
func (t *Truth) API(ctx context.Context, query *client.Client) error {
	byChat := map[ChatKey]int{}
	for key, m := range t.Messages {
		if !m.Deleted {
			byChat[ChatKey{key.Application, key.Chat}]++
		}
	}
	for token, want := range t.Applications {
		name, chats, err := query.Application(ctx, token, nil)
		if err != nil {
			return fmt.Errorf("application %s: %w", token, err)
		}
		if name != want.Username || chats != want.Chats {
			t.find("api", "application %s is %q with %d chats, must be %q with %d", token, name, chats, want.Username, want.Chats)
		}
		list, err := query.Chats(ctx, token, nil)
		if err != nil {
			return fmt.Errorf("chats of %s: %w", token, err)
		}
		t.missing("api", "chats of "+token, len(list), int(want.Chats))
		for i, c := range list {
			key := ChatKey{token, c.Number}
			if c.Number != int64(i+1) || c.Application != token || c.Messages != t.Chats[key].Messages {
				t.find("api", "chat %v is listed as %+v, must have %d messages", key, c, t.Chats[key].Messages)
			}
			if err := t.chat(ctx, query, key, byChat[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Truth) chat(ctx context.Context, query *client.Client, key ChatKey, live int) error {
	list, err := query.Messages(ctx, key.Application, key.Chat, nil)
	if err != nil {
		return fmt.Errorf("messages of %v: %w", key, err)
	}
	right := 0
	last := int64(0)
	for _, m := range list {
		want, there := t.Messages[MessageKey{key.Application, key.Chat, m.Number}]
		if !there || want.Deleted || want.Text != m.Text || m.Application != key.Application || m.Chat != key.Chat || m.Number <= last {
			t.find("api", "message %+v of chat %v is not as it must be: %+v", m, key, want)
		} else {
			right++
		}
		last = m.Number
	}
	t.missing("api", fmt.Sprintf("messages of chat %v", key), right, live)
	return nil
}
