package testhelp

import (
	"testing"
	"time"
)

// Limit is how long a test waits for something that takes only moments on an idle
// machine.
const Limit = 20 * time.Second

// maxPause is the longest time between two polls. The pauses grow, because many tests
// poll at the same time.
const maxPause = 50 * time.Millisecond

// Eventually polls until ok is true, and fails the test after [Limit].
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	Within(t, Limit, what, ok)
}

// Within is Eventually with a limit of its own.
func Within(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	if !Poll(limit, ok) {
		t.Fatalf("timed out after %s; expected: %s", limit, what)
	}
}

// Poll polls until ok is true, and returns false if it is not within the limit. It is for
// what fails in its own way; tests call [Eventually].
func Poll(limit time.Duration, ok func() bool) bool {
	pause := time.Millisecond
	for deadline := time.Now().Add(limit); !ok(); time.Sleep(pause) {
		if time.Now().After(deadline) {
			return false
		}
		pause = min(pause*3/2, maxPause)
	}
	return true
}
