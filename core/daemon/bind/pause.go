package bind

import (
	"sync"
	"time"
)

// watchAfter is how long a request lasts before its connection is watched for a disconnect
// of the caller. Short answers come sooner, and need no system calls for that.
const watchAfter = 100 * time.Millisecond

// pause delays the read by which net/http watches a connection while it answers a request.
// net/http ends that read by a deadline in the past, which ends the pause, too.
type pause struct {
	mu      sync.Mutex
	ended   bool          // by a deadline in the past
	waiting bool          // somebody waits
	wake    chan struct{} // made with the first wait
	timer   *time.Timer
}

// wait waits for a time. It returns false if a deadline in the past ended it.
func (p *pause) wait(t time.Duration) bool {
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return false
	}
	if p.waiting = true; p.timer == nil {
		p.wake, p.timer = make(chan struct{}, 1), time.NewTimer(t)
	} else {
		p.timer.Reset(t)
	}
	p.mu.Unlock()
	select {
	case <-p.timer.C:
	case <-p.wake:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.timer.Stop()
	if p.waiting = false; p.ended {
		select {
		case <-p.wake:
		default:
		}
	}
	return !p.ended
}

// setDeadline must be called with each read deadline of the connection.
func (p *pause) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = !t.IsZero() && (t.Unix() < 2 || !time.Now().Before(t)) // net/http's is in 1970: no need to ask the clock
	if p.ended && p.waiting {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	}
}
