//go:build !race

package testhelp

// Race says whether the race detector is on, and Slowdown by which factor a test may
// be slower because of it.
const (
	Race     = false
	Slowdown = 1
)
