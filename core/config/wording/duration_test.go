package wording

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0s": 0, "500ms": 500 * time.Millisecond, "1m": time.Minute, "1m30s": 90 * time.Second, "1h": time.Hour, "1h10m": 70 * time.Minute,
		"24h": 24 * time.Hour, "30d": 720 * time.Hour, "49h": 49 * time.Hour, "10m": 10 * time.Minute, "10h": 10 * time.Hour,
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
}
