package elastic

import (
	"strings"
	"testing"

	"chatlog/shared/view"
)

// What is sent is written into memory that was made for it once: copied while it grows
// it took a quarter of a sink's time.
func TestABodyHasRoom(t *testing.T) {
	for name, text := range map[string]string{
		"English": strings.Repeat("All work and no play makes Jack a dull boy. ", 5), "Chinese": strings.Repeat("我能吞下玻璃而不伤身体。", 9),
		"one letter": "x", "a tombstone": "", "long": strings.Repeat("Überall wird geredet ", 1000), "escaped": strings.Repeat("\u0001\"", 100),
	} {
		messages := make([]view.Message, 300)
		for i := range messages {
			messages[i] = view.Message{Application: "0123456789abcdef0123456789abcdef", Chat: 1 << 40, Number: 1 << 40, Text: text, Version: 1 << 60, Deleted: text == ""}
		}
		body := newBody(messages)
		room, used := cap(body), 0
		for i := range messages {
			if body = appendDocument(body, &messages[i]); len(body) >= bulkBytes {
				break
			}
			used = len(body)
		}
		t.Logf("%s: %d bytes of %d", name, used, room)
		if used > room {
			t.Errorf("%s: %d bytes, and room for %d", name, used, room)
		}
	}
}
