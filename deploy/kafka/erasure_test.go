package kafka

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"chatlog/deploy/runbook"
)

func TestRealErasure(t *testing.T) {
	w := start(t, shared(t))
	w.play("erasure.md", map[string]runbook.Hook{"a": w.message})
}

// message writes the message that is to be erased, edits it, and gives its place.
func (w *world) message(ctx context.Context, _ string) error {
	app, err := w.ingest.CreateApplication(ctx, "quiet", nil)
	if err != nil {
		return err
	}
	chat, err := w.ingest.CreateChat(ctx, app, nil)
	if err != nil {
		return err
	}
	number, _, err := w.ingest.CreateMessage(ctx, app, chat, "a secret to forgetmenot", nil)
	if err != nil {
		return err
	}
	_, err = w.ingest.Update(ctx, app, chat, number, "forgetmenot it is still", nil)
	w.give("APP", app)
	w.give("CHAT", fmt.Sprint(chat))
	w.give("NUMBER", fmt.Sprint(number))
	w.give("WORD", "forgetmenot")
	return errors.Join(err, w.wait(ctx, "views"))
}
