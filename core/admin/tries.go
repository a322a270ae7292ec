package admin

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// An address may be wrong maxTries times at once, and then once per tryTime.
const (
	maxTries  = 10
	tryTime   = 5 * time.Second
	maxTriers = 1024 // addresses that are remembered; all others count as one
)

// tries limit how fast a secret can be guessed.
type tries struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]time.Time // when the address has all its tries again
}

// take counts a try, and returns whether its result may be given, or how long
// the address has to wait. Right ones do not count.
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
