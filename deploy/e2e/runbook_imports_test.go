package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatlog/shared/parts"
)

// commands are the blocks of a runbook that are meant for a shell, in order.
func commands(t *testing.T, page string) (all []string) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var block []string
	for line := range strings.Lines(string(content) + "\n\n") {
		if text, code := strings.CutPrefix(line, "    "); code {
			block = append(block, text)
		} else if len(block) > 0 {
			all, block = append(all, strings.Join(block, "")), nil
		}
	}
	return all
}

// TestRealImportRunbook runs every command of the runbook, with the names that this
// run has on the shared parts.
func TestRealImportRunbook(t *testing.T) {
	tools := filepath.Dir(parts.Tool(t, "kafka-console-producer"))
	parts.Tool(t, "kcat")
	h, elsewhere := real(t), real(t)
	const token = "5d41402abc4b2a76b9719d911017c592"
	dir := t.TempDir()
	shell := func(script string) string {
		to := h
		if strings.Contains(script, "$ELSEWHERE") {
			to = elsewhere
		}
		lines := strings.Split(script, "\n")
		for i, line := range lines {
			at := h
			if strings.Contains(line, "$ELSEWHERE") {
				at = elsewhere
			}
			lines[i] = strings.NewReplacer("chat.imports", at.parts.Imports, "chat.deadletters", at.parts.DeadLetters,
				"chatlog-imports", at.parts.Groups+"-imports").Replace(line)
		}
		c := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", strings.Join(lines, "\n"))
		c.Dir = dir
		c.Env = append(h.parts.Env(), "PATH="+bin+":"+tools+":"+os.Getenv("PATH"), "HOME="+dir, "B="+h.parts.Kafka, "ELSEWHERE="+to.parts.Kafka, "TOKEN="+token)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", script, err, out)
		}
		return string(out)
	}
	ran := ""
	for _, script := range commands(t, "../kafka/imports.md") {
		out := shell(script)
		ran += script
		switch {
		case strings.Contains(script, "kafka-console-producer"), strings.Contains(script, "sed "), strings.Contains(script, "--reset-offsets"):
			h.imported(t, time.Minute)
		case strings.Contains(script, "--describe"):
			if !strings.Contains(out, h.parts.Imports) || !strings.Contains(out, "LAG") {
				t.Errorf("the lag is not told: %s", out)
			}
		case strings.Contains(script, "deadletters") && strings.TrimSpace(out) != "none":
			t.Errorf("refused: %s", out)
		}
	}
	for _, tool := range []string{"kcat -P", "kafka-console-producer", "kafka-consumer-groups", "sinks export", "kcat -C"} {
		if !strings.Contains(ran, tool) {
			t.Errorf("the runbook has no %s", tool)
		}
	}
	elsewhere.imported(t, time.Minute)
	at := "/application/" + token
	for _, c := range []*house{h, elsewhere} {
		eventually(t, time.Minute, "the history is there", func() error {
			reply, err := c.query.Do(t.Context(), "GET", at+"/chat/1/messages", "", nil)
			if want := `[{"id":1,"appID":"` + token + `","chatID":1,"messageID":1,"message":"Hello, World!"}]`; err == nil && strings.TrimSpace(reply.Body) != want {
				err = fmt.Errorf("%s", reply.Body)
			}
			return err
		})
		report(t, c.audit(t))
	}
	sameReplies(t, token, h.query, elsewhere.query)
}
