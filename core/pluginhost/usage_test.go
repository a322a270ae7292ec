package pluginhost

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"
)

func TestUsageOfAProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("usage is not measured on Windows")
	}
	if u, ok := readUsage(os.Getpid()); !ok || u.memory < 1<<20 || u.memory > 1<<40 || u.cpu > time.Hour {
		t.Errorf("%+v, %v", u, ok)
	}
	if _, ok := readUsage(1 << 30); ok {
		t.Error("a process that does not exist was measured")
	}
}

func TestMeter(t *testing.T) {
	now := time.Unix(0, 0)
	u := usage{memory: 10 << 20}
	m := meter{read: func(int) (usage, bool) { return u, true }, limit: 20 << 20, busy: 10 * time.Second}
	step := func(cores float64, idle bool) error {
		now = now.Add(2 * time.Second)
		u.cpu += time.Duration(cores * float64(2*time.Second))
		return m.sample(1, now, idle)
	}
	for range 20 {
		if err := step(1.5, false); err != nil {
			t.Fatalf("a call is open: %v", err)
		}
	}
	for range 4 {
		if err := step(1.2, true); err != nil {
			t.Fatalf("too early: %v", err)
		}
	}
	if err := step(1.2, true); !errors.Is(err, errUnresponsive) {
		t.Errorf("a full core for 10 s: %v", err)
	}
	if err := step(0.1, true); err != nil {
		t.Errorf("below the limit again: %v", err)
	}
	u.memory = 30 << 20
	if err := step(0, true); err != nil {
		t.Errorf("one sample above the limit: %v", err)
	}
	if err := step(0, true); !errors.Is(err, errTooLarge) {
		t.Errorf("two samples above the limit: %v", err)
	}
}
