// Package programtest checks what a program tells about itself.
package programtest

import (
	"bytes"
	"strings"
	"testing"

	"chatlog/shared/program"
)

// Teaches wants every command of a program to have a help that teaches: what it
// does, examples that begin as one would type them, its flags explained, and exit
// codes. It wants an unknown flag to be refused with 2 and a hint.
func Teaches[C any](t *testing.T, p program.Program[C]) {
	t.Helper()
	for _, c := range p.Commands {
		name := strings.TrimSpace(p.Name + " " + c.Name)
		var out, errOut bytes.Buffer
		asked := append(strings.Fields(c.Name), "--help")
		if code := p.Run(t.Context(), asked, nil, &out, &errOut); code != program.OK || errOut.Len() > 0 {
			t.Errorf("%s --help: exit code %d, %s", name, code, errOut.String())
		}
		wanted := []string{"Usage:\n  " + name, "Examples:\n", "Flags:\n", "Exit codes:\n  0", "\n  2"}
		if p.Default != nil {
			wanted = append(wanted, "Variables:\n", "--config=FILE", "CHATLOG_SECTION_KEY")
		}
		for _, part := range wanted {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s --help lacks %q:\n%s", name, part, out.String())
			}
		}
		for line := range strings.Lines(out.String()) {
			if len(line) > 101 {
				t.Errorf("%s --help: a line of %d letters: %s", name, len(line)-1, line)
			}
			if word, means, _ := strings.Cut(strings.TrimSpace(line), " "); strings.HasPrefix(word, "--") && strings.TrimSpace(means) == "" {
				t.Errorf("%s --help does not explain %s", name, word)
			}
		}
		for _, example := range c.Help.Examples {
			if !strings.Contains(" "+example.Word+" ", " "+p.Name+" ") && !strings.Contains(example.Word, "make ") {
				t.Errorf("%s --help: %q is no call of it", name, example.Word)
			}
		}
		errOut.Reset()
		code := p.Run(t.Context(), append(strings.Fields(c.Name), "--colour"), nil, &out, &errOut)
		if code != program.Misused || !strings.Contains(errOut.String(), "--help` tells more") {
			t.Errorf("%s --colour: exit code %d, %s", name, code, errOut.String())
		}
	}
}
