package limit

import (
	"sync"
	"sync/atomic"
	"time"
)

// Rates are the bounds of a [Limiter]. 0 is no bound.
type Rates struct {
	Requests   int // per minute
	Tokens     int // per minute
	Burst      int // requests at once; 0: a sixth of Requests, at least 1
	Concurrent int
	Auto       bool // find out how many in flight are best
}

// firstRequests is how many requests a client may always send at once.
const firstRequests = 3

// ForClient returns the rates with the burst of a client: even if a sixth of Requests is
// less, firstRequests may be sent at once.
func (r Rates) ForClient() Rates {
	if r.Burst == 0 && r.Requests < 6*firstRequests {
		r.Burst = min(r.Requests, firstRequests)
	}
	return r
}

// Any reports whether there is a bound.
func (r Rates) Any() bool { return r.Requests > 0 || r.Tokens > 0 || r.Concurrent > 0 || r.Auto }

// Reason is the code of a bound that was reached.
type Reason string

// The bounds.
const (
	RequestsPerMinute Reason = "requests_per_minute"
	TokensPerMinute   Reason = "tokens_per_minute"
	Concurrent        Reason = "concurrent"
)

// Limiter bounds one channel, key or client. The zero value bounds nothing. It
// is safe for concurrent use.
type Limiter struct {
	bounded atomic.Bool

	mu       sync.Mutex
	rates    Rates
	requests bucket
	tokens   bucket
	inFlight int
	adaptive adaptive
	freed    func() // called, outside the lock, when there may be room again; nil: no request waits
}

// Configure sets the bounds. What has been used counts toward them.
func (l *Limiter) Configure(now time.Time, r Rates) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r == l.rates {
		return
	}
	burst := float64(r.Burst)
	if burst == 0 {
		burst = max(1, float64(r.Requests)/6)
	}
	l.requests.configure(now, float64(r.Requests), burst)
	l.tokens.configure(now, float64(r.Tokens), max(1, float64(r.Tokens)/6))
	l.rates = r
	l.bounded.Store(r.Any())
}

// Wait returns how long a request with so many tokens has to wait, and for which bound;
// 0 if it may start. It is a second if other requests have to end first, since it is
// unknown when they will.
func (l *Limiter) Wait(now time.Time, tokens int) (time.Duration, Reason) {
	if !l.bounded.Load() {
		return 0, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait(now, 1, float64(tokens))
}

// unknownWait is the wait if requests in flight have to end first.
const unknownWait = time.Second

func (l *Limiter) wait(now time.Time, requests, tokens float64) (longest time.Duration, why Reason) {
	longest, why = l.requests.wait(now, requests), RequestsPerMinute
	if d := l.tokens.wait(now, tokens); d > longest {
		longest, why = d, TokensPerMinute
	}
	if longest == 0 {
		if most := l.most(); most > 0 && l.inFlight >= most {
			return unknownWait, Concurrent
		}
		return 0, ""
	}
	return longest, why
}

// most returns how many may be in flight; 0: any number.
func (l *Limiter) most() int {
	if l.rates.Auto {
		return l.adaptive.most()
	}
	return l.rates.Concurrent
}

// Take returns a permit for a request with so many tokens; ok is false if it has to
// wait. The permit must be released.
func (l *Limiter) Take(now time.Time, tokens int) (p Permit, ok bool) {
	if !l.bounded.Load() {
		return Permit{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, _ := l.wait(now, 1, float64(tokens)); d > 0 {
		return Permit{}, false
	}
	l.requests.take(now, 1)
	l.tokens.take(now, float64(tokens))
	l.inFlight++
	return Permit{limiter: l, charged: tokens, beside: l.inFlight}, true
}

// Permit is what one request uses of a limiter. The zero value uses nothing.
type Permit struct {
	limiter  *Limiter
	charged  int // tokens
	beside   int // requests in flight when it started, itself included
	released bool
}

// Undo returns the permit of a request that was not sent.
func (p *Permit) Undo(now time.Time) {
	if p.limiter == nil || p.released {
		return
	}
	l := p.limiter
	l.mu.Lock()
	l.requests.take(now, -1)
	l.mu.Unlock()
	p.Correct(now, 0)
	p.Release()
}

// Release ends the request. Further calls do nothing.
func (p *Permit) Release() {
	if p.limiter == nil || p.released {
		return
	}
	p.released = true
	p.limiter.change(func(l *Limiter) { l.inFlight-- })
}

// Correct replaces the tokens that were charged by those that were used. It may
// come after Release.
func (p *Permit) Correct(now time.Time, tokens int) {
	if p.limiter == nil || tokens == p.charged {
		return
	}
	more := tokens - p.charged
	p.charged = tokens
	p.limiter.change(func(l *Limiter) { l.tokens.take(now, float64(more)) })
}

// Answered records a good answer, and its time to the first byte.
func (p *Permit) Answered(ttfb time.Duration) {
	if p.limiter != nil {
		p.limiter.change(func(l *Limiter) { l.adaptive.answered(p.beside, ttfb) })
	}
}

// Refused records that the site refused the request because of a rate limit. It reports
// whether fewer requests in flight are enough, so that the key need not cool down.
func (p *Permit) Refused() (lower bool) {
	if p.limiter != nil {
		p.limiter.change(func(l *Limiter) { lower = l.rates.Auto && l.adaptive.refused(p.beside, l.inFlight) })
	}
	return lower
}

// change runs do, after which there may be room.
func (l *Limiter) change(do func(*Limiter)) {
	l.mu.Lock()
	do(l)
	freed := l.freed
	l.mu.Unlock()
	if freed != nil {
		freed()
	}
}

// LimiterUsage says how much of a limiter is in use.
type LimiterUsage struct {
	Rates
	UsedRequests float64 // how much of the burst is used
	UsedTokens   float64
	InFlight     int

	requests, tokens float64 // shares

	MaxInFlight int // maximum in flight, configured or found by Auto; 0: any number
}

// RequestShare returns how much of the burst of requests is used, from 0 to 1.
func (u LimiterUsage) RequestShare() float64 { return u.requests }

// TokenShare returns how much of the burst of tokens is used. After a large request it may
// be more than 1.
func (u LimiterUsage) TokenShare() float64 { return u.tokens }

// Share returns how much of the most used bound is used, from 0 to 1; 0 without bounds.
func (u LimiterUsage) Share() float64 {
	used := max(u.requests, u.tokens)
	if u.MaxInFlight > 0 && (u.Concurrent > 0 || u.Auto) {
		used = max(used, float64(u.InFlight)/float64(u.MaxInFlight))
	}
	return min(1, used)
}

func share(owed, burst float64) float64 {
	if burst == 0 {
		return 0
	}
	return owed / burst
}

// Usage returns how much of the limiter is in use.
func (l *Limiter) Usage(now time.Time) LimiterUsage {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests, tokens := l.requests.owed(now), l.tokens.owed(now)
	return LimiterUsage{
		Rates: l.rates, UsedRequests: requests, UsedTokens: tokens, InFlight: l.inFlight, MaxInFlight: l.most(),
		requests: share(requests, l.requests.burst), tokens: share(tokens, l.tokens.burst),
	}
}
