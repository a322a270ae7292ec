//go:build linux

package tunnel

import (
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// count returns the numbers of goroutines and open files of this process.
func count(t *testing.T) (goroutines, files int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(entries)
}

// settledCounts returns the counts once they no longer change.
func settledCounts(t *testing.T) (goroutines, files int) {
	t.Helper()
	for same := 0; same < 10; time.Sleep(30 * time.Millisecond) {
		g, f := count(t)
		if same++; g != goroutines || f != files {
			same = 0
		}
		goroutines, files = g, f
	}
	return goroutines, files
}
