package wire

import (
	"fmt"
	"testing"
)

// A panic that repeats at every call is logged once.
func TestTheSamePanicIsNewOnce(t *testing.T) {
	var s seenPanics
	for _, want := range []bool{true, false, false} {
		if got := s.isNew("panic in check of x: oops"); got != want {
			t.Errorf("new %v, want %v", got, want)
		}
	}
	for i := range 10 * maxPanics {
		if !s.isNew(fmt.Sprint("panic ", i)) {
			t.Errorf("panic %d is not new", i)
		}
		if len(s.seen) > maxPanics {
			t.Fatalf("%d are kept", len(s.seen))
		}
	}
}
