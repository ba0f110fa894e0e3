package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// DefaultPath is read when no --config is given and it is there.
const DefaultPath = "config.yaml"

// Flags are the flags that every program has.
type Flags struct {
	Path  string   // the file to read; empty: none
	Check bool     // only check the configuration
	Args  []string // what follows the flags
}

// ParseFlags reads a program's arguments. flag.ErrHelp says that the help was
// asked for, and printed.
func ParseFlags(program, help string, args []string, out io.Writer) (Flags, error) {
	f := flag.NewFlagSet(program, flag.ContinueOnError)
	f.SetOutput(out)
	var parsed Flags
	f.StringVar(&parsed.Path, "config", "", "configuration file (default: ./"+DefaultPath+" if it is there)")
	f.BoolVar(&parsed.Check, "check-config", false, "check the configuration, print every error in it, and exit")
	f.Usage = func() {
		fmt.Fprintln(out, help)
		f.PrintDefaults()
	}
	if err := f.Parse(args); err != nil {
		return parsed, err
	}
	parsed.Args = f.Args()
	if parsed.Path == "" {
		if _, err := os.Stat(DefaultPath); err == nil {
			parsed.Path = DefaultPath
		} else if !errors.Is(err, fs.ErrNotExist) {
			return parsed, err
		}
	}
	return parsed, nil
}

// Start reads a program's flags and configuration. done says that the program
// ends here with the exit code: after --help, --check-config or an error.
func Start(program, help string, args, environ []string, into any, out, errOut io.Writer) (code int, done bool) {
	f, err := ParseFlags(program, help, args, errOut)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0, true
	case err != nil:
		return 2, true
	case len(f.Args) > 0:
		fmt.Fprintf(errOut, "%s: unknown argument %q\n", program, f.Args[0])
		return 2, true
	}
	if err := Load(f.Path, environ, into); err != nil {
		fmt.Fprintln(errOut, err)
		return 2, true
	}
	if f.Check {
		fmt.Fprintln(out, "config ok")
		return 0, true
	}
	return 0, false
}
