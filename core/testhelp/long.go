package testhelp

import (
	"os"
	"testing"
)

// Soak reports whether tests run in their long form, as make soak runs them.
func Soak() bool { return os.Getenv("AITUNNEL_SOAK") != "" }

// LongForm reports whether tests that repeat something do so many times, as in make
// test-real and make soak.
func LongForm() bool { return os.Getenv("AITUNNEL_REAL") != "" || Soak() }

// Real skips a test that needs servers, browsers or faults of machines for a long
// time, unless make test-real or make soak runs it.
func Real(t testing.TB) {
	t.Helper()
	if !LongForm() {
		t.Skip("run by make test-real")
	}
}
