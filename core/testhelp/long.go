package testhelp

import (
	"os"
	"testing"
)

// Soak reports whether tests run in their long form, as make soak runs them.
func Soak() bool { return os.Getenv("AITUNNEL_SOAK") != "" }

// LongForm reports whether tests that repeat something repeat it often, as make test-real
// and make soak let them.
func LongForm() bool { return os.Getenv("AITUNNEL_REAL") != "" || Soak() }

// Real skips a test that needs servers, browsers or faults of machines for long,
// unless make test-real or make soak runs it.
func Real(t testing.TB) {
	t.Helper()
	if !LongForm() {
		t.Skip("run by make test-real")
	}
}
