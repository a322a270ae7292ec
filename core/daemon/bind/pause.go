package bind

import (
	"sync"
	"time"
)

// watchAfter is how long a request has to last before its connection is watched for a
// disconnect of the caller. Shorter ones save the system calls for that.
const watchAfter = 100 * time.Millisecond

// pause delays the read with which net/http watches a connection while it answers a request.
// net/http ends that read by a deadline in the past, which also ends the pause.
//
// Most pauses end early. To set no timer for each of them, the end of a pause leaves the
// timer as it is, for the next pause, which can therefore take up to twice the time.
type pause struct {
	mu      sync.Mutex
	ended   bool          // by a deadline in the past
	waiting bool          // a goroutine receives from wake
	wake    chan struct{} // created by the first pause
	timer   *time.Timer
	set     bool // the timer will fire
	later   bool // the pause began after the timer was set
}

// wait waits for t, or up to twice as long. It returns false if a deadline in the past
// ended it.
func (p *pause) wait(t time.Duration) bool {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return false
	}
	p.waiting, p.later = true, p.set
	switch {
	case p.timer == nil:
		p.wake = make(chan struct{}, 1)
		p.timer = time.AfterFunc(t, func() { p.fired(t) })
	case !p.set:
		p.timer.Reset(t)
	}
	p.set = true
	p.mu.Unlock()
	<-p.wake
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.ended
}

func (p *pause) fired(t time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.set = p.waiting && p.later
	switch {
	case p.set:
		p.later = false
		p.timer.Reset(t)
	case p.waiting:
		p.end()
	}
}

// end wakes the one who waits. The lock must be held.
func (p *pause) end() {
	p.waiting = false
	p.wake <- struct{}{} // never blocks: each wait receives once
}

// setDeadline must be called with each read deadline of the connection. A deadline counts
// as past if it is in 1970, as that of net/http, so that the clock is not read.
func (p *pause) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = !t.IsZero() && t.Unix() < 2
	if p.ended && p.waiting {
		p.end()
	}
}
