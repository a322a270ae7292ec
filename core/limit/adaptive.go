package limit

import "time"

// adaptive finds out how many requests in flight a site takes: one more after
// good answers, a part less after a refusal or when answers get slow. After a
// refusal it remembers where that was, and comes there again only after very
// many good answers, so that looking for more costs few refusals.
type adaptive struct {
	now      float64 // requests in flight that are allowed; 0: not begun
	ceiling  int     // so many were refused; 0: none yet
	credit   int     // good answers since the last step, with all places taken
	patience int     // good answers before the ceiling is tried again

	fast, slow float64 // the time to the first byte, in seconds: of late, and at best
	calm       int     // answers for which the limit is not lowered again
}

// How it moves.
const (
	adaptiveFirst    = 1
	adaptiveTop      = 1000
	adaptiveDecrease = 0.7
	firstPatience    = 100
	topPatience      = 3200
	slowRatio        = 2 // answers this much slower than before are a sign of too many
)

func (a *adaptive) most() int { return int(max(a.now, adaptiveFirst)) }

// answered takes a good answer to a request that had so many beside it.
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
	case a.ceiling > 0 && next >= a.ceiling && a.credit < a.patience:
	case a.ceiling > 0 && next >= a.ceiling:
		a.now, a.credit = float64(next), 0
		a.ceiling = next + 1
	case a.ceiling > 0 && a.credit < most: // one more each round
	default:
		a.now, a.credit = min(float64(next), adaptiveTop), 0
	}
}

// observe follows the time to the first byte, and what it is at best. The best
// time rises slowly, so that other answers than before become normal in the end;
// how long a request takes that is alone is the best time.
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

// refused takes a refusal of a request that had so many beside it when it began.
// It says whether fewer in flight can help.
func (a *adaptive) refused(beside, inFlight int) bool {
	beside = max(beside, 1)
	if beside == 1 && inFlight <= 1 {
		return false // one alone is refused: it is not the number
	}
	if a.ceiling == 0 || beside <= a.ceiling {
		again := a.ceiling == beside
		a.ceiling = max(beside, 2)
		a.patience = firstPatience
		if again {
			a.patience = min(2*max(a.patience, firstPatience), topPatience)
		}
	}
	a.credit = 0
	a.now = float64(min(a.most(), a.ceiling-1))
	return true
}

// lower is for answers that have become slow.
func (a *adaptive) lower(from int) {
	a.now = max(adaptiveFirst, float64(from)*adaptiveDecrease)
	a.credit = 0
	a.calm = 2 * from
}
