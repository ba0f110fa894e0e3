package parts

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Tool finds a program of the real parts, such as mysqldump: on the PATH, or
// among those of the stack without Docker. A test that needs one that is not
// there is skipped, loudly; with CI=true that is a failure.
func Tool(t testing.TB, name string) string {
	t.Helper()
	if found, err := exec.LookPath(name); err == nil {
		return found
	}
	for dir, _ := os.Getwd(); dir != "" && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		at := filepath.Join(dir, ".stack", "bin", name)
		if info, err := os.Stat(at); err == nil && !info.IsDir() {
			return at
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("REAL PART MISSING: the program %s", name)
	}
	t.Skipf("REAL PART MISSING: the program %s", name)
	return ""
}
