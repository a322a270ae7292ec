package limit

import (
	"sync"
	"sync/atomic"
	"time"
)

// Rates are the bounds of a [Limiter]. 0 is no bound.
type Rates struct {
	Requests   int // a minute
	Tokens     int // a minute
	Burst      int // requests at once; 0: a sixth of a minute's, at least 1
	Concurrent int
	Auto       bool // find out how many in flight are best
}

// firstRequests is how many requests of a person come at once, at least.
const firstRequests = 3

// ForClient returns the rates with the burst of a client: where the limit is so small that
// a sixth of it is next to nothing, the first requests pass nevertheless.
func (r Rates) ForClient() Rates {
	if r.Burst == 0 && r.Requests < 6*firstRequests {
		r.Burst = min(r.Requests, firstRequests)
	}
	return r
}

// Any reports whether something is bounded.
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
	freed    func() // called, outside the lock, when there may be room again; nil: nobody waits
}

// Configure sets the bounds. What was used counts towards them.
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

// Wait returns how long a request with so many tokens has to wait, and for which
// bound; 0 if it may start. How long for others to end is not known: then it is
// a second.
func (l *Limiter) Wait(now time.Time, tokens int) (time.Duration, Reason) {
	if !l.bounded.Load() {
		return 0, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.wait(now, 1, float64(tokens))
}

// unknownWait is given where requests in flight have to end first.
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

// Take takes a place for a request with so many tokens; ok is false if it has to
// wait. The place is to be released.
func (l *Limiter) Take(now time.Time, tokens int) (p Place, ok bool) {
	if !l.bounded.Load() {
		return Place{}, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, _ := l.wait(now, 1, float64(tokens)); d > 0 {
		return Place{}, false
	}
	l.requests.take(now, 1)
	l.tokens.take(now, float64(tokens))
	l.inFlight++
	return Place{limiter: l, charged: tokens, beside: l.inFlight}, true
}

// Place is what one request uses of a limiter. The zero value uses nothing.
type Place struct {
	limiter  *Limiter
	charged  int // tokens
	beside   int // requests in flight when it began, with itself
	released bool
}

// Undo gives back a place of a request that was not sent.
func (p *Place) Undo(now time.Time) {
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

// Release ends the request. It may be called again.
func (p *Place) Release() {
	if p.limiter == nil || p.released {
		return
	}
	p.released = true
	p.limiter.change(func(l *Limiter) { l.inFlight-- })
}

// Correct replaces the tokens that were charged by those that were used. It may
// come after Release.
func (p *Place) Correct(now time.Time, tokens int) {
	if p.limiter == nil || tokens == p.charged {
		return
	}
	more := tokens - p.charged
	p.charged = tokens
	p.limiter.change(func(l *Limiter) { l.tokens.take(now, float64(more)) })
}

// Answered reports a good answer, and how long it took to begin.
func (p *Place) Answered(ttfb time.Duration) {
	if p.limiter != nil {
		p.limiter.change(func(l *Limiter) { l.adaptive.answered(p.beside, ttfb) })
	}
}

// Refused reports that the site limits requests. It says whether fewer requests
// in flight are the remedy, so that the key can be used on.
func (p *Place) Refused() (lower bool) {
	if p.limiter != nil {
		p.limiter.change(func(l *Limiter) { lower = l.rates.Auto && l.adaptive.refused(p.beside, l.inFlight) })
	}
	return lower
}

// change does something by which there may be room.
func (l *Limiter) change(do func(*Limiter)) {
	l.mu.Lock()
	do(l)
	freed := l.freed
	l.mu.Unlock()
	if freed != nil {
		freed()
	}
}

// Usage is what is used of a limiter now.
type Usage struct {
	Rates
	UsedRequests float64 // of the burst: what has not been paid for yet
	UsedTokens   float64
	InFlight     int

	requests, tokens float64 // shares

	Most int // in flight, as it is bounded or was found out; 0: any number
}

// RequestShare returns the part of the burst that is used, from 0 to 1.
func (u Usage) RequestShare() float64 { return u.requests }

// TokenShare returns the same of tokens. One large request may use more than 1.
func (u Usage) TokenShare() float64 { return u.tokens }

// Share returns the part that is used of the bound that is nearest, from 0 to 1; 0
// without bounds.
func (u Usage) Share() float64 {
	used := max(u.requests, u.tokens)
	if u.Most > 0 && (u.Concurrent > 0 || u.Auto) {
		used = max(used, float64(u.InFlight)/float64(u.Most))
	}
	return min(1, used)
}

func share(owed, burst float64) float64 {
	if burst == 0 {
		return 0
	}
	return owed / burst
}

// Usage shows the limiter.
func (l *Limiter) Usage(now time.Time) Usage {
	l.mu.Lock()
	defer l.mu.Unlock()
	requests, tokens := l.requests.owed(now), l.tokens.owed(now)
	return Usage{
		Rates: l.rates, UsedRequests: requests, UsedTokens: tokens, InFlight: l.inFlight, Most: l.most(),
		requests: share(requests, l.requests.burst), tokens: share(tokens, l.tokens.burst),
	}
}
