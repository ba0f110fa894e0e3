// Package house tests what no single package can: that imports go
// shared ← services ← deploy, that the services carry no embedded parts, and
// that config.yaml shows every key with its true default.
package house
