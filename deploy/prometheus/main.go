// Prometheus writes what is made of the metrics that the code has: their
// reference (docs/metrics.md) and a dashboard for Grafana.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("."); err != nil {
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

// write writes both files below root, the project's folder.
func write(root string) error {
	all, err := inCode(root)
	if err != nil {
		return err
	}
	board, err := dashboard()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "metrics.md"), []byte(reference(all)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "deploy", "prometheus", "dashboard.json"), board, 0o644)
}
