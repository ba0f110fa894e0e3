package program

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"testing"

	"chatlog/shared/telemetry"
	"chatlog/shared/version"
)

// section is a configuration of one section.
type section struct {
	Log telemetry.LogConfig `mapstructure:"log"`
}

// trial is a program with a command that serves and one that ends with err.
func trial(err error) Program[section] {
	var deep bool
	return Program[section]{Name: "trial", Does: "is tried.", Default: func() section { return section{telemetry.DefaultLog()} }, Commands: []Command[section]{
		{Name: "serve", Serves: true, Do: func(context.Context, section, io.Writer, io.Writer) error { return err }},
		{Name: "look", Flags: func(f *flag.FlagSet) { f.BoolVar(&deep, "deep", false, "look deep") },
			Check: func() error {
				if deep {
					return errors.New("--deep: not here")
				}
				return nil
			},
			Do: func(_ context.Context, cfg section, out, _ io.Writer) error {
				fmt.Fprintln(out, "level", cfg.Log.Level)
				return err
			}},
	}}
}

func TestExitCodes(t *testing.T) {
	t.Chdir(t.TempDir()) // no config.yaml
	broken := fmt.Errorf("connections: %w", context.Canceled)
	for _, c := range []struct {
		args, environ string
		err           error
		code          int
		out, errOut   string
	}{
		{args: "", code: OK},
		{args: "serve", err: broken, code: OK},
		{args: "look", err: broken, code: Failed, out: "level info\n", errOut: "trial look: broken off\n"},
		{args: "look", environ: "CHATLOG_LOG_LEVEL=warn", code: OK, out: "level warn\n"},
		{args: "look", err: errors.New("no way"), code: Failed, out: "level info\n", errOut: "trial look: no way\n"},
		{args: "look", err: ErrLeft, code: Left, out: "level info\n"},
		{args: "look", err: fmt.Errorf("two languages: %w", ErrLeft), code: Left, out: "level info\n", errOut: "trial look: two languages: not everything is as it must be\n"},
		{args: "look --check-config", code: OK, out: "config ok\n"},
		{args: "look --config=none.yaml", code: Misused, errOut: "none.yaml"},
		{args: "look", environ: "CHATLOG_LOG_LEVEL=loud", code: Misused, errOut: "log.level: \"loud\""},
		{args: "look --deep", code: Misused, errOut: "trial look: --deep: not here\n`trial look --help` tells more\n"},
		{args: "look --deeep", code: Misused, errOut: "trial look: unknown flag --deeep; did you mean --deep?\n"},
		{args: "look --colour", code: Misused, errOut: "trial look: unknown flag --colour\n"},
		{args: "look --deep=perhaps", code: Misused, errOut: "invalid boolean value"},
		{args: "look there", code: Misused, errOut: "trial look: unknown argument \"there\"\n"},
		{args: "lok", code: Misused, errOut: "trial: unknown command \"lok\"; did you mean look?\n`trial --help` tells more\n"},
		{args: "--help", code: OK, out: "trial [serve]"},
		{args: "help", code: OK, out: "trial [serve]"},
		{args: "--version", code: OK, out: "trial " + version.Read().String() + "\n"},
		{args: "look --version there", code: OK, out: "trial " + version.Read().Version},
		{args: "look -h", code: OK, out: "look deep"},
		{args: "help look", code: OK, out: "look deep"},
	} {
		var out, errOut bytes.Buffer
		code := trial(c.err).Run(t.Context(), strings.Fields(c.args), strings.Fields(c.environ), &out, &errOut)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errOut.String(), c.errOut) || c.errOut == "" && errOut.Len() > 0 {
			t.Errorf("trial %s, %v: exit code %d, said %q and %q", c.args, c.err, code, out.String(), errOut.String())
		}
	}
}

func TestRestIsForCommandsThatTakeIt(t *testing.T) {
	var folders []string
	p := Program[None]{Name: "trial", Commands: []Command[None]{{Rest: &folders, Do: func(context.Context, None, io.Writer, io.Writer) error { return nil }}}}
	if code := p.Run(t.Context(), []string{"a", "b"}, []string{"CHATLOG_NOBODY=1"}, io.Discard, io.Discard); code != OK || strings.Join(folders, " ") != "a b" {
		t.Errorf("exit code %d, folders %v", code, folders)
	}
}
