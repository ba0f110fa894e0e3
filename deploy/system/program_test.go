package system

import "testing"

// Two programs of one system must not be given the same address, though neither of
// them listens yet.
func TestFreeAddressesDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		at, err := FreeAddress()
		if err != nil {
			t.Fatal(err)
		}
		if seen[at] {
			t.Fatalf("%s is given twice", at)
		}
		seen[at] = true
	}
}
