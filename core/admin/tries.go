package admin

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// An address may send maxTries wrong secrets at once, and then one per tryTime.
const (
	maxTries  = 10
	tryTime   = 5 * time.Second
	maxTriers = 1024 // addresses that are counted separately; all others count as one
)

// tries limits how fast secrets can be guessed.
type tries struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]time.Time // when the address has all its attempts again
}

// take counts an attempt, and returns whether its result may be returned, or how long the address
// has to wait. Right secrets do not count.
func (t *tries) take(r *http.Request, right bool) (wait time.Duration, ok bool) {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.all == nil {
		t.all = map[string]time.Time{}
	}
	if _, known := t.all[from]; !known && len(t.all) >= maxTriers {
		for a, until := range t.all {
			if until.Before(now) {
				delete(t.all, a)
			}
		}
		if len(t.all) >= maxTriers {
			from = "others"
		}
	}
	until := t.all[from]
	if until.Before(now) {
		until = now
	}
	if wait = until.Sub(now) - (maxTries-1)*tryTime; wait > 0 {
		return wait, false
	}
	if !right {
		t.all[from] = until.Add(tryTime)
	}
	return 0, true
}
