package program

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// Help is what a command tells about itself.
type Help struct {
	Does      string // what it does; its first line says it in short
	Examples  []Line // what to type, and what that does
	Takes     string // arguments that are no flags, such as "FOLDER..."
	Variables []Line // besides those of the configuration
	Variable  Line   // one key of the configuration, and its variable
	Left      string // when the exit code is 3; empty: it never is
}

// Line is a line of two columns.
type Line struct{ Word, Means string }

// short is the first line of what a command does.
func (h Help) short() string {
	first, _, _ := strings.Cut(h.Does, "\n")
	return first
}

// overview tells which commands there are.
func (p Program[C]) overview(out io.Writer) {
	fmt.Fprintf(out, "%s %s\n\n", p.Name, p.Does)
	p.list(out)
	fmt.Fprintf(out, "`%s COMMAND --help` tells more of one: its flags, examples, variables and exit codes.\n", p.Name)
}

func (p Program[C]) list(out io.Writer) {
	var lines []Line
	for i, c := range p.Commands {
		name := strings.TrimSpace(p.Name + " " + c.Name)
		if i == 0 && c.Name != "" {
			name = p.Name + " [" + c.Name + "]"
		}
		lines = append(lines, Line{name, c.Help.short()})
	}
	columns(out, "Commands", lines)
}

// tell prints a command's help.
func (p Program[C]) tell(out io.Writer, name string, c *Command[C], set *flag.FlagSet) {
	fmt.Fprintf(out, "%s: %s\n\n", name, strings.TrimSpace(c.Help.Does))
	fmt.Fprintf(out, "Usage:\n  %s\n\n", strings.TrimSpace(name+" [flags] "+c.Help.Takes))
	if c.Name == "" && len(p.Commands) > 1 {
		p.list(out)
	}
	columns(out, "Examples", c.Help.Examples)
	columns(out, "Flags", flagLines(set))
	variables := c.Help.Variables
	if p.Default != nil {
		variables = append([]Line{c.Help.Variable, {"CHATLOG_SECTION_KEY", "every key of config.yaml in the same way; a variable wins over the file"}}, variables...)
	}
	columns(out, "Variables", variables)
	columns(out, "Exit codes", c.exits())
}

func (c *Command[C]) exits() []Line {
	ended := "done"
	if c.Serves {
		ended = "stopped when it was asked to (SIGTERM, SIGINT)"
	}
	lines := []Line{{"0", ended}, {"1", "failed"}, {"2", "wrong usage or configuration; nothing was begun"}}
	if c.Help.Left != "" {
		lines = append(lines, Line{"3", c.Help.Left})
	}
	return lines
}

func flagLines(set *flag.FlagSet) []Line {
	var lines []Line
	set.VisitAll(func(f *flag.Flag) {
		kind, usage := flag.UnquoteUsage(f)
		if kind != "" {
			kind = "=" + strings.ToUpper(kind)
		}
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			usage += " (" + f.DefValue + ")"
		}
		lines = append(lines, Line{"--" + f.Name + kind, usage})
	})
	return append(lines, Line{"--help", "print this"})
}

// widest is how wide a first column may be; a wider word has a line of its own.
const widest = 34

// width is how wide a text may be.
const width = 100

// columns prints lines below a title, the second column below itself.
func columns(out io.Writer, title string, lines []Line) {
	if len(lines) == 0 {
		return
	}
	left := 0
	for _, l := range lines {
		if len(l.Word) <= widest {
			left = max(left, len(l.Word))
		}
	}
	fmt.Fprintln(out, title+":")
	for _, l := range lines {
		word := l.Word
		if len(word) > widest {
			fmt.Fprintln(out, "  "+word)
			word = ""
		}
		for _, part := range wrapped(l.Means, width-left-4) {
			fmt.Fprintf(out, "  %-*s  %s\n", left, word, part)
			word = ""
		}
	}
	fmt.Fprintln(out)
}

// wrapped breaks a text between words into parts of at most so many bytes.
func wrapped(text string, most int) []string {
	parts := []string{""}
	for _, word := range strings.Fields(text) {
		last := &parts[len(parts)-1]
		switch {
		case *last == "":
			*last = word
		case len(*last)+1+len(word) <= most:
			*last += " " + word
		default:
			parts = append(parts, word)
		}
	}
	return parts
}
