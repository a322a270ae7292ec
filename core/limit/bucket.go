package limit

import "time"

// bucket limits units to a rate, with bursts: the generic cell rate algorithm. It stores
// the time at which the rate will have caught up with all units so far.
type bucket struct {
	rate  float64   // units a second; 0: no limit
	burst float64   // units at once
	paid  time.Time // zero: no units yet
}

// configure changes the rate. The units that are owed stay the same.
func (b *bucket) configure(now time.Time, perMinute, burst float64) {
	owed := b.owed(now)
	b.rate, b.burst = perMinute/60, burst
	b.paid = time.Time{}
	if owed > 0 && b.rate > 0 {
		b.paid = now.Add(b.span(owed))
	}
}

// owed returns the units that the rate has not caught up with. It may be more than the
// burst.
func (b *bucket) owed(now time.Time) float64 {
	if b.rate == 0 || !b.paid.After(now) {
		return 0
	}
	return b.paid.Sub(now).Seconds() * b.rate
}

// wait returns how long n units have to wait. If nothing is owed, even more than the burst
// may pass.
func (b *bucket) wait(now time.Time, n float64) time.Duration {
	if b.rate == 0 {
		return 0
	}
	over := b.owed(now) + min(n, b.burst) - b.burst
	if over <= 1e-6 {
		return 0
	}
	return b.span(over)
}

// take adds n units to those that are owed, without a check. Negative units are given back.
func (b *bucket) take(now time.Time, n float64) {
	if b.rate == 0 {
		return
	}
	from := b.paid
	if from.Before(now) {
		from = now
	}
	b.paid = from.Add(b.span(n))
}

func (b *bucket) span(units float64) time.Duration {
	return time.Duration(units / b.rate * float64(time.Second))
}
