package version

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	stamped := &debug.BuildInfo{Main: debug.Module{Version: "v0.3.1-0.20261125-abc"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abcdef"}, {Key: "vcs.time", Value: "2026-11-25T20:00:00Z"}, {Key: "vcs.modified", Value: "true"}}}
	for _, c := range []struct {
		info              *debug.BuildInfo
		release, revision string
		want, agent       string
	}{
		{stamped, "", "", "v0.3.1-0.20261125-abc (revision abcdef of 2026-11-25T20:00:00Z, modified, go", "chatlog/v0.3.1-0.20261125-abc"},
		{stamped, "v1.0.0", "", "v1.0.0 (revision abcdef of", "chatlog/v1.0.0"},
		{&debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "", "", "devel (revision unknown, go", "chatlog/devel"},
		{&debug.BuildInfo{}, "v1.0.0", "123456", "v1.0.0 (revision 123456, go", "chatlog/v1.0.0"},
		{nil, "", "", "devel (revision unknown, go", "chatlog/devel"},
	} {
		got := read(c.info, c.release, c.revision)
		if !strings.HasPrefix(got.String(), c.want) || got.Agent() != c.agent {
			t.Errorf("%s, %s: must begin with %s, %s", got, got.Agent(), c.want, c.agent)
		}
	}
}
