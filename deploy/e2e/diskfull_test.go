package e2e

import (
	"errors"
	"testing"

	"chatlog/deploy/diskfull"
)

// TestEmbeddedDiskFull fills the disk below the reserve and to its last byte,
// several times, under load and with kill -9.
func TestEmbeddedDiskFull(t *testing.T) {
	err := diskfull.Drill(t.Context(), bin, t.TempDir(), t.Logf)
	if errors.Is(err, diskfull.ErrMount) {
		t.Skip("REAL PART MISSING: ", err)
	}
	if err != nil {
		t.Error(err)
	}
}
