package limit

import "time"

// adaptive finds out how many requests in flight a site accepts. The limit rises by one
// after good answers, and falls after a refusal or when answers become slow. The number
// that was refused is tried again only after many good answers, and after twice as many
// each time it is refused again, so that probing for more causes few refusals.
type adaptive struct {
	now       float64 // requests in flight that are allowed; 0: not started
	ceiling   int     // the number that was refused; 0: none yet
	refusedAt int     // the number in flight at the last refusal
	credit    int     // good answers since the last step, while the limit was reached
	needed    int     // good answers before the ceiling is tried again

	fast, slow float64 // the time to the first byte, in seconds: the recent one, and the best
	calm       int     // answers until the limit may be lowered again
}

// How fast the limit changes.
const (
	adaptiveFirst    = 1
	adaptiveTop      = 1000
	adaptiveDecrease = 0.7
	firstNeeded      = 100
	topNeeded        = 3200
	slowRatio        = 2 // answers this much slower than before are a sign of too many
)

func (a *adaptive) most() int { return int(max(a.now, adaptiveFirst)) }

// answered is called for each good answer; beside is the number of requests in flight
// when its request started, including itself.
func (a *adaptive) answered(beside int, ttfb time.Duration) {
	most := a.most()
	a.observe(beside, ttfb.Seconds())
	if a.calm > 0 {
		a.calm--
		return
	}
	if a.slow > 0 && a.fast > slowRatio*a.slow && beside > 1 {
		a.lower(min(beside, most))
		return
	}
	if beside < most {
		return // the limit is not what holds requests back
	}
	a.credit++
	switch next := most + 1; {
	case a.ceiling > 0 && next >= a.ceiling && a.credit < a.needed:
	case a.ceiling > 0 && next >= a.ceiling:
		a.now, a.credit = float64(next), 0
		a.ceiling = next + 1
	case a.ceiling > 0 && a.credit < most: // it rises by one each round
	default:
		a.now, a.credit = min(float64(next), adaptiveTop), 0
	}
}

// observe averages the time to the first byte, and keeps the best. The best time rises
// slowly, so that longer answers than before become normal in the end. A request that was
// alone shows the best time.
func (a *adaptive) observe(beside int, seconds float64) {
	if a.slow == 0 {
		a.fast, a.slow = seconds, seconds
		return
	}
	a.fast += 0.2 * (seconds - a.fast)
	weight := 0.0005
	if a.fast < a.slow || beside == 1 {
		weight = 0.2
	}
	a.slow += weight * (a.fast - a.slow)
}

// refused is called when the site refuses a request because of a rate limit; for
// beside, see answered. It reports whether fewer requests in flight can help.
func (a *adaptive) refused(beside, inFlight int) bool {
	beside = max(beside, 1)
	if beside == 1 && inFlight <= 1 {
		return false // it was the only request, so the number in flight is not the reason
	}
	if a.ceiling == 0 || beside <= a.ceiling {
		if beside == a.refusedAt {
			a.needed = min(2*a.needed, topNeeded)
		} else {
			a.needed = firstNeeded
		}
		a.ceiling, a.refusedAt = max(beside, 2), beside
	}
	a.credit = 0
	a.now = float64(min(a.most(), a.ceiling-1))
	return true
}

// lower reduces the limit when answers have become slow.
func (a *adaptive) lower(from int) {
	a.now = max(adaptiveFirst, float64(from)*adaptiveDecrease)
	a.credit = 0
	a.calm = 2 * from
}
