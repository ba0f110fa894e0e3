//go:build race

package partition

// defaultSeeds is few under the race detector: a history has one goroutine.
const defaultSeeds = 40
