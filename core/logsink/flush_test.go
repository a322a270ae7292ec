package logsink

import (
	"testing"
	"testing/synctest"
	"time"
)

// slow is a writer that takes a while for each line.
type slow struct{ lines *int }

func (p slow) Write(b []byte) (int, error) {
	time.Sleep(stuckLimit / 2)
	*p.lines++
	return len(b), nil
}

// Close does not wait for a pipe that is not read, however much is queued.
func TestCloseWithAFullPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		to := &blocked{release: make(chan struct{})}
		w := NewWriter(to)
		for range maxLines + 10 {
			_, _ = w.Write([]byte("a line\n"))
		}
		started := time.Now()
		w.Close()
		if took := time.Since(started); took > 2*stuckLimit {
			t.Errorf("closing took %s", took)
		}
		close(to.release)
		<-w.ended
	})
}

// Close gives a slow log a second to write what is queued.
func TestCloseWritesWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lines := 0
		w := NewWriter(slow{&lines})
		for range 5 {
			_, _ = w.Write([]byte("a line\n"))
		}
		w.Close()
		if lines != 5 {
			t.Errorf("%d of 5 lines were written", lines)
		}
	})
}
