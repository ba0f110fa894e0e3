// Package version says what a program was built from, in every place the same: its
// --version, its logs, its metrics and what it calls itself towards others.
package version

import (
	"cmp"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
)

// What a release gives to its build, for where there is no repository, such as in an
// image: -ldflags "-X chatlog/shared/version.release=v1.2.3 -X
// chatlog/shared/version.revision=<commit>". Empty: what Go's own stamp says.
var release, revision string

// Build is what a program was built from.
type Build struct {
	Version  string // of a release, or as Go calls what lies behind one; devel if nobody knows
	Revision string // commit; unknown if nobody knows
	Time     string // of the commit, RFC 3339; empty if nobody knows
	Modified bool   // by something that is not committed
	Go       string
}

// Read gives what this program was built from.
func Read() Build {
	info, _ := debug.ReadBuildInfo() // nil in a build without modules, which is none of ours
	return read(info, release, revision)
}

func read(info *debug.BuildInfo, release, revision string) Build {
	b := Build{Version: release, Revision: revision, Go: runtime.Version()}
	if info != nil {
		if found := info.Main.Version; found != "(devel)" {
			b.Version = cmp.Or(b.Version, found)
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Revision = cmp.Or(b.Revision, s.Value)
			case "vcs.time":
				b.Time = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version, b.Revision = cmp.Or(b.Version, "devel"), cmp.Or(b.Revision, "unknown")
	return b
}

// String gives it in one line.
func (b Build) String() string {
	text := fmt.Sprintf("%s (revision %s", b.Version, b.Revision)
	if b.Time != "" {
		text += " of " + b.Time
	}
	if b.Modified {
		text += ", modified"
	}
	return text + ", " + b.Go + ")"
}

// LogValue gives it to logs.
func (b Build) LogValue() slog.Value {
	return slog.GroupValue(slog.String("version", b.Version), slog.String("revision", b.Revision), slog.Bool("modified", b.Modified), slog.String("go", b.Go))
}

// Agent is what chatlog calls itself towards others, such as in a User-Agent.
func (b Build) Agent() string { return "chatlog/" + b.Version }
