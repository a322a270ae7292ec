package channel

import "time"

// BreakerLimits sets when a breaker opens, and for how long.
type BreakerLimits struct {
	Failures int           // failures in a row that open it
	Ratio    float64       // or this share of failures, of at least minRatioAttempts
	Window   time.Duration // within this time
	Open     time.Duration // how long it stays open at first; it doubles
	MaxOpen  time.Duration
}

// DefaultBreaker applies until a channel is configured.
var DefaultBreaker = BreakerLimits{Failures: 5, Ratio: 0.5, Window: 30 * time.Second, Open: 10 * time.Second, MaxOpen: 2 * time.Minute}

// minRatioAttempts is the number of attempts below which Ratio is ignored.
const minRatioAttempts = 20

// breaker takes a failing channel out of use for a while, then lets one request at a time
// test whether it works again.
type breaker struct {
	open    bool // also while half-open
	since   time.Time
	until   time.Time // from then on it is half-open
	pause   time.Duration
	probing bool // a request is testing it
	reason  string

	inRow  int
	recent window
}

func (b *breaker) skip(now time.Time) Skip {
	switch {
	case !b.open:
		return ""
	case now.Before(b.until):
		return SkipBreakerOpen
	case b.probing:
		return SkipBreakerProbing
	}
	return ""
}

// fail counts a failure, and reports whether the breaker opens because of it.
func (b *breaker) fail(now time.Time, l BreakerLimits, reason string) bool {
	b.inRow++
	b.recent.add(now, false)
	if b.open {
		b.trip(now, l, reason)
		return false
	}
	good, bad := b.recent.sum(now)
	total := good + bad
	if b.inRow < l.Failures && (total < minRatioAttempts || float64(bad) < l.Ratio*float64(total)) {
		return false
	}
	b.trip(now, l, reason)
	return true
}

// trip opens the breaker. After a failed test it stays open for twice as long. Failures of
// requests that were in flight when it opened are ignored.
func (b *breaker) trip(now time.Time, l BreakerLimits, reason string) {
	if b.open && now.Before(b.until) {
		return
	}
	if !b.open {
		b.since, b.pause = now, 0
	}
	b.pause = min(max(l.Open, 2*b.pause), l.MaxOpen)
	b.open, b.until, b.reason = true, now.Add(b.pause), reason
}

func (b *breaker) close() {
	span := b.recent.span
	*b = breaker{recent: window{span: span}}
}
