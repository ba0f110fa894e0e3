package system

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Build builds programs into a folder.
func Build(ctx context.Context, dir string, programs ...string) error {
	c := exec.CommandContext(ctx, "go", append([]string{"build", "-o", dir + "/"}, programs...)...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %v: %w: %s", programs, err, out)
	}
	return nil
}

// RunTests runs the tests of a package over programs that it builds into a folder,
// which it names in bin and removes afterwards, and gives the exit code.
func RunTests(tests interface{ Run() int }, bin *string, programs ...string) int {
	dir, err := os.MkdirTemp("", "chatlog-tested-")
	if err == nil {
		defer os.RemoveAll(dir)
		*bin = dir
		err = Build(context.Background(), dir, programs...)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests.Run()
}
