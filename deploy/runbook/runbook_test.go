package runbook

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

const page = "# A page\n\nDo this.\n\n```sh\nexport A=\"$B and more\"\necho one >file\n```\n" +
	"<!-- test: wait for it -->\n- an item\n    that goes on\n\n```text\nnot run\n```\n```sh\ncat file; echo \"$A\"\n```\n" +
	"<!-- test: expect ^one$ -->\n<!-- test: refuse two -->\n<!-- test: exit 3 -->\n```sh\nexit 3\n```\n"

func play(t *testing.T, markdown string, hooks map[string]Hook) error {
	t.Helper()
	steps, err := Parse(markdown)
	if err != nil {
		t.Fatal(err)
	}
	p := &Player{Dir: t.TempDir(), Env: []string{"B=given"}, Hooks: hooks}
	return p.Play(t.Context(), steps)
}

func TestPlay(t *testing.T) {
	var called []string
	err := play(t, page, map[string]Hook{"wait": func(_ context.Context, args string) error {
		called = append(called, args)
		return nil
	}})
	if err != nil || !slices.Equal(called, []string{"for it"}) {
		t.Fatal(called, err)
	}
}

// What goes wrong is an error that names the line: a command in the middle of a
// block, one of a pipe, an expectation, a hook, a variable that nobody gave.
func TestWhatFails(t *testing.T) {
	failing := map[string]Hook{"fails": func(context.Context, string) error { return errors.New("hook failed") }}
	for markdown, want := range map[string]string{
		"```sh\nfalse\ntrue\n```":                                   "line 1: exit code 1",
		"```sh\nfalse | true\n```":                                  "line 1: exit code 1",
		"```sh\necho $NOBODY_GAVE_IT\n```":                          "unbound variable",
		"```sh\ntrue\n```\n<!-- test: expect something -->":         "line 4: expect something",
		"```sh\necho two\n```\n<!-- test: refuse two -->":           "line 4: refuse two",
		"<!-- test: exit 3 -->\n```sh\ntrue\n```":                   "exit code 0",
		"```sh\ntrue\n```\n<!-- test: fails -->":                    "line 4: hook failed",
		"```sh\ntouch was-run\n```\n<!-- test: nobody knows it -->": `line 4: there is no hook "nobody"`,
	} {
		if err := play(t, markdown, failing); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, must say %q", markdown, err, want)
		}
	}
}

// Commands that no test would run are refused.
func TestNothingIsPassedOver(t *testing.T) {
	for _, markdown := range []string{"```\nrm -rf\n```", "text\n\n    rm -rf\n", "```sh\nrm -rf\n", "```text\n", "<!-- test: -->", "<!-- test: spans\nlines -->",
		"- a list\n\nthen text\n\n    rm -rf\n"} {
		if steps, err := Parse(markdown); err == nil {
			t.Errorf("%q: %+v", markdown, steps)
		}
	}
}
