//go:build race

package testhelp

// Race says whether the race detector is on, and Slowdown how many times slower
// than without it a test may be.
const (
	Race     = true
	Slowdown = 5
)
