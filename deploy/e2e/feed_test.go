package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRealTexts feeds real texts in six languages through the real parts.
func TestRealTexts(t *testing.T) {
	found := exec.CommandContext(t.Context(), "../catalogue/fetch.sh")
	var problems strings.Builder
	found.Stderr = &problems
	folder, err := found.Output()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("REAL PART MISSING: gettext catalogues: %v: %s", err, problems.String())
		}
		t.Skipf("REAL PART MISSING: gettext catalogues: %v: %s", err, problems.String())
	}
	h := real(t)
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "feed"), "-ingest", h.Writes, "-query", h.Reads, "-each", "3500",
		strings.TrimSpace(string(folder))).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
