package channel

import (
	"sync"
	"time"
)

const (
	budgetSeconds = 10
	budgetFloor   = 3 * budgetSeconds // extra attempts that are always allowed in that time
)

// retryBudget limits further attempts of requests, so that failing sites do not get many
// times the load.
type retryBudget struct {
	mu       sync.Mutex
	second   int64 // of the newest bucket
	requests [budgetSeconds]uint32
	extra    [budgetSeconds]uint32
}

// CountRequest counts a request toward the budget of extra attempts.
func (r *Registry) CountRequest(now time.Time) {
	b := &r.retries
	b.mu.Lock()
	b.requests[b.roll(now.Sub(r.start))]++
	b.mu.Unlock()
}

// AllowExtra reports whether another attempt on a channel that has just failed
// is within the budget: a share of the requests of the last ten seconds, and at
// least three a second. If take is set, the attempt is counted.
func (r *Registry) AllowExtra(now time.Time, share float64, take bool) bool {
	b := &r.retries
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.roll(now.Sub(r.start))
	var requests, extra uint32
	for j := range budgetSeconds {
		requests += b.requests[j]
		extra += b.extra[j]
	}
	if float64(extra) >= max(budgetFloor, share*float64(requests)) {
		return false
	}
	if take {
		b.extra[i]++
	}
	return true
}

// roll empties the buckets that have passed, and returns the newest.
func (b *retryBudget) roll(since time.Duration) int {
	second := int64(since / time.Second)
	for n := 0; b.second < second && n < budgetSeconds; n++ {
		b.second++
		b.requests[b.second%budgetSeconds], b.extra[b.second%budgetSeconds] = 0, 0
	}
	b.second = max(b.second, second)
	return int(b.second % budgetSeconds)
}
