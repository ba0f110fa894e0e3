package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func found(t *testing.T) []metric {
	t.Helper()
	all, err := inCode(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsWrittenIsOfToday(t *testing.T) {
	board, err := dashboard()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"docs/metrics.md": reference(found(t)), "deploy/prometheus/dashboard.json": string(board)} {
		got, err := os.ReadFile(filepath.Join(root, path))
		if err != nil || string(got) != want {
			t.Errorf("%s is not what go run ./deploy/prometheus writes, %v", path, err)
		}
	}
}

// Every metric has a help, labels and the suffix of its kind, and is made once.
func TestEveryMetricIsFound(t *testing.T) {
	all := found(t)
	for i, m := range all {
		if m.help == "" || slices.Contains(m.labels, "") || i > 0 && m.name == all[i-1].name {
			t.Errorf("%+v", m)
		}
		if (m.kind == "counter") != strings.HasSuffix(m.name, "_total") {
			t.Errorf("%s is a %s", m.name, m.kind)
		}
	}
	if len(all) < 30 {
		t.Errorf("only %d metrics", len(all))
	}
}

var spelled = regexp.MustCompile(`chatlog_[a-z_]+`)

func TestAlertsAndGraphsAskForMetricsThatThereAre(t *testing.T) {
	names := map[string]bool{}
	for _, m := range found(t) {
		names[m.name] = true
		if m.kind == "histogram" {
			names[m.name+"_bucket"], names[m.name+"_count"], names[m.name+"_sum"] = true, true, true
		}
	}
	for _, file := range []string{"alerts.yaml", "alerts_test.yaml", "dashboard.json"} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range spelled.FindAllString(string(content), -1) {
			if !names[name] {
				t.Errorf("%s asks for %s, which no code makes", file, name)
			}
		}
	}
}

func TestAlerts(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("REAL PART MISSING: the program promtool")
		}
		t.Skip("REAL PART MISSING: the program promtool (Debian's prometheus has it)")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
		t.Logf("promtool %s: %s", strings.Join(args, " "), out)
	}
	rules, err1 := os.ReadFile("alerts.yaml")
	tests, err2 := os.ReadFile("alerts_test.yaml")
	for _, name := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1) {
		if err1 != nil || err2 != nil || !strings.Contains(string(tests), "alertname: "+name[1]) {
			t.Errorf("%s is not tested, %v %v", name[1], err1, err2)
		}
	}
}

// Every alert names a runbook that there is: a page, or one of its headings as a
// link spells it.
func TestEveryAlertHasARunbook(t *testing.T) {
	rules, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Split(string(rules), "- alert: ")[1:]
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		found := regexp.MustCompile(`(?m)^ *runbook: (\S+)$`).FindStringSubmatch(alert)
		if found == nil {
			t.Errorf("%s has no runbook", name)
			continue
		}
		page, anchor, _ := strings.Cut(found[1], "#")
		content, err := os.ReadFile(filepath.Join(root, page))
		if err != nil || anchor != "" && !slices.Contains(anchors(string(content)), anchor) {
			t.Errorf("%s: no %s, %v", name, found[1], err)
		}
	}
	if len(alerts) < 10 {
		t.Errorf("only %d alerts", len(alerts))
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// anchors gives a page's headings as links spell them.
func anchors(page string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(page, -1) {
		plain := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
				return r
			}
			return -1
		}, strings.ToLower(h[1]))
		all = append(all, plain)
	}
	return all
}
