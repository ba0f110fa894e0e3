package program

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
)

// defaultPath is the configuration that is read when none is named and it is there.
const defaultPath = "config.yaml"

// asked is what a command's arguments say that is not its own.
type asked struct {
	set   *flag.FlagSet
	path  string // of the configuration; empty: none is named
	check bool   // only check the configuration
	what  bool   // only say what the program was built from
}

// parse reads a command's flags. flag.ErrHelp says that help is asked for.
func (p Program[C]) parse(name string, c *Command[C], args []string) (asked, error) {
	a := asked{set: flag.NewFlagSet(name, flag.ContinueOnError)}
	a.set.SetOutput(io.Discard) // an error is told once, where it is known what to do about it
	if c.Flags != nil {
		c.Flags(a.set)
	}
	if p.Default != nil {
		a.set.StringVar(&a.path, "config", "", "read the configuration from this `file`; ./"+defaultPath+" if none is named and it is there")
		a.set.BoolVar(&a.check, "check-config", false, "check the configuration, print every error in it, and exit")
	}
	a.set.BoolVar(&a.what, "version", false, "print what this program was built from, and exit")
	rest, err := a.mixed(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return a, err
	case err != nil:
		return a, a.explained(err)
	case a.what:
		return a, nil
	case c.Rest != nil:
		*c.Rest = rest
	case len(rest) > 0:
		return a, fmt.Errorf("unknown argument %q", rest[0])
	}
	if c.Check != nil {
		return a, c.Check()
	}
	return a, nil
}

// mixed parses flags before, between and behind arguments that are none, which it
// gives; behind -- nothing is a flag.
func (a asked) mixed(args []string) (rest []string, err error) {
	for {
		if err := a.set.Parse(args); err != nil {
			return rest, err
		}
		left := a.set.Args()
		if taken := len(args) - len(left); len(left) == 0 || taken > 0 && args[taken-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// explained says which flag may have been meant.
func (a asked) explained(err error) error {
	const unknown = "flag provided but not defined: -"
	given, found := strings.CutPrefix(err.Error(), unknown)
	if !found {
		return err
	}
	names := []string{"help"}
	a.set.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return fmt.Errorf("unknown flag --%s%s", given, meant(given, names, "--"))
}

func isHelp(arg string) bool {
	return strings.HasPrefix(arg, "-") && slices.Contains([]string{"h", "help"}, strings.TrimLeft(arg, "-"))
}

// meant names what looks most like a word, if anything does.
func meant(word string, names []string, before string) string {
	nearest := slices.MinFunc(names, func(a, b string) int { return cmp.Compare(distance(word, a), distance(word, b)) })
	if distance(word, nearest) > max(1, len(word)/3) {
		return ""
	}
	return fmt.Sprintf("; did you mean %s%s?", before, nearest)
}

// distance counts the letters that must be put in, left out or changed to make one
// word of another (Levenshtein's).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := corner
			if a[i] != b[j] {
				changed++
			}
			corner = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
