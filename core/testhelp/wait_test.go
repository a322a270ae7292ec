package testhelp

import (
	"runtime"
	"testing"
	"time"
)

// recorder notes that a test was ended.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(string, ...any) {
	r.failed = true
	runtime.Goexit()
}

func TestWithin(t *testing.T) {
	t.Parallel()
	polls := 0
	Within(t, Limit, "the third poll", func() bool { polls++; return polls == 3 })
	if polls != 3 {
		t.Errorf("%d polls", polls)
	}
	r := &recorder{TB: t}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Within(r, time.Millisecond, "never", func() bool { return false })
	}()
	<-ended
	if !r.failed {
		t.Error("the limit did not end the test")
	}
}
