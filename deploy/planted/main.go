// Planted plants one bug after the other into the code and runs the tests that
// must catch it. A test that stays green with the bug in it proves nothing; so
// a bug that nobody catches is a failure here.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// bug is one small change for the worse.
type bug struct {
	name    string
	file    string
	right   string   // found exactly once in the file
	wrong   string   // put in its place
	catcher []string // arguments of go test, or of go run for a campaign
}

// campaign is a catcher that is no test: one fault on real parts of its own,
// and the judge.
func campaign(fault string) []string {
	return []string{"run", "./deploy/chaos", "-only", fault, "-seed", "1", "-ports", "7000"}
}

func main() {
	only := flag.String("only", "", "plant only bugs whose names match this expression")
	verbose := flag.Bool("v", false, "show what the tests say")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(2)
	}
	planted, caught := 0, 0
	for _, b := range bugs {
		if !wanted.MatchString(b.name) {
			continue
		}
		planted++
		began := time.Now()
		how, err := plant(context.Background(), b, *verbose)
		if err != nil {
			fmt.Printf("NOT CAUGHT  %s: %v\n", b.name, err)
			continue
		}
		caught++
		fmt.Printf("caught      %s, in %.1f s: %s\n", b.name, time.Since(began).Seconds(), how)
	}
	fmt.Printf("planted: %d of %d caught\n", caught, planted)
	if caught < planted || planted == 0 {
		os.Exit(1)
	}
}

// plant runs a bug's catcher over a copy of its file, which replaces the file
// for the compiler only, and tells what caught it.
func plant(ctx context.Context, b bug, verbose bool) (string, error) {
	source, err := os.ReadFile(b.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), b.right); n != 1 {
		return "", fmt.Errorf("the place is there %d times in %s: the code has changed, change the bug", n, b.file)
	}
	dir, err := os.MkdirTemp("", "chatlog-planted-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	copied, overlay := filepath.Join(dir, filepath.Base(b.file)), filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(copied, []byte(strings.Replace(string(source), b.right, b.wrong, 1)), 0o600); err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(b.file)
	if err != nil {
		return "", err
	}
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {absolute: copied}})
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(overlay, replace, 0o600); err != nil {
		return "", err
	}
	if out, err := goTool(ctx, overlay, "build", "./"+filepath.Dir(b.file)); err != nil {
		return "", fmt.Errorf("it does not compile: %s", out)
	}
	args := b.catcher
	if args[0] != "run" {
		args = append([]string{"test", "-count=1", "-timeout=5m"}, args...)
	}
	out, err := goTool(ctx, overlay, args...)
	if verbose {
		fmt.Print(out)
	}
	switch {
	case err == nil:
		return "", fmt.Errorf("go %s passes", strings.Join(args, " "))
	case args[0] == "run" && !strings.Contains(out, "\n- "):
		return "", fmt.Errorf("the campaign came to no verdict: %s", out)
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return "", fmt.Errorf("its catcher does not compile: %s", out)
	}
	return how(out), nil
}

func goTool(ctx context.Context, overlay string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "go", args...)
	// By a variable, so that programs which tests build have the bug, too.
	c.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay)
	out, err := c.CombinedOutput()
	return string(out), err
}

// how finds the first thing that a failed test says.
func how(out string) string {
	for line := range strings.Lines(out) {
		if text := strings.TrimSpace(line); strings.HasPrefix(line, "- ") || strings.Contains(text, "_test.go:") || strings.Contains(text, "suite.go:") || strings.Contains(text, "reading.go:") {
			return fmt.Sprintf("%.160s", text)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return fmt.Sprintf("%.160s", first)
}
