package logsink

import (
	"testing"
	"testing/synctest"
	"time"
)

// stuck is a writer whose every write waits until it is released.
type stuck struct{ release chan struct{} }

func (s stuck) Write(p []byte) (int, error) {
	<-s.release
	return len(p), nil
}

// paced is a writer that takes a while for each line.
type paced struct{ lines *int }

func (p paced) Write(b []byte) (int, error) {
	time.Sleep(stuckLimit / 2)
	*p.lines++
	return len(b), nil
}

// A log that nobody reads holds up the end of the program for a moment only,
// however much is queued for it; a slow one is written to for a second.
func TestCloseWithAFullPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := stuck{make(chan struct{})}
		w := NewWriter(to)
		for range maxLines + 10 {
			_, _ = w.Write([]byte("a line\n"))
		}
		begun := time.Now()
		w.Close()
		if took := time.Since(begun); took > 2*stuckLimit {
			t.Errorf("closing took %s", took)
		}
		close(to.release)
		<-w.ended
	})
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		w := NewWriter(paced{&lines})
		for range 5 {
			_, _ = w.Write([]byte("a line\n"))
		}
		w.Close()
		if lines != 5 {
			t.Errorf("%d of 5 lines were written", lines)
		}
	})
}
