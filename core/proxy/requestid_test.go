package proxy

import (
	"testing"
	"time"
)

func TestRequestIDs(t *testing.T) {
	seen := map[string]bool{}
	for range 10_000 {
		id := requestID()
		if len(id) != 20 || seen[id] {
			t.Fatalf("%q is too short, or given twice", id)
		}
		seen[id] = true
	}
	first := requestID()
	time.Sleep(2 * time.Millisecond)
	if next := requestID(); next <= first {
		t.Errorf("%s after %s", next, first)
	}
}
