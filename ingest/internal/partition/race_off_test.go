//go:build !race

package partition

// defaultSeeds is how many histories the model test runs unless told.
const defaultSeeds = 400
