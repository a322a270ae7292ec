package testhelp

import (
	"os"
	"testing"
)

// Soak says whether tests run in their long form, as make soak runs them.
func Soak() bool { return os.Getenv("AITUNNEL_SOAK") != "" }

// Real skips a test that needs servers, browsers or faults of machines for long,
// unless make test-real or make soak runs it.
func Real(t testing.TB) {
	t.Helper()
	if os.Getenv("AITUNNEL_REAL") == "" && !Soak() {
		t.Skip("run by make test-real")
	}
}
