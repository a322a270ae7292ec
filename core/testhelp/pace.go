package testhelp

import (
	"crypto/sha256"
	"sync/atomic"
	"testing"
	"time"
)

// Pace measures time in ticks of about 10 ms, each with a pause and some work: on a
// busy machine the ticks are slower, as is what is being measured.
type Pace struct {
	ticks atomic.Int64
	base  int64
}

const tick = 10 * time.Millisecond

// NewPace starts measuring until the test ends.
func NewPace(t testing.TB) *Pace {
	p, end, ended := &Pace{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		work := make([]byte, 64<<10)
		for {
			select {
			case <-end:
				return
			case <-time.After(tick):
			}
			sum := sha256.Sum256(work)
			copy(work, sum[:])
			p.ticks.Add(1)
		}
	}()
	t.Cleanup(func() {
		close(end)
		<-ended
	})
	return p
}

// Restart sets the time back to zero.
func (p *Pace) Restart() { p.base = p.ticks.Load() }

// Took returns the time since the last Restart, as it would have been on an idle machine.
func (p *Pace) Took() time.Duration { return time.Duration(p.ticks.Load()-p.base) * tick }
