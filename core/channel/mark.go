package channel

import "time"

// markLengths are the lengths of successive marks without a good answer in between; the last
// one repeats.
var markLengths = []time.Duration{2 * time.Minute, 8 * time.Minute, 32 * time.Minute, time.Hour}

// testTimeout ends a test whose outcome is not reported.
const testTimeout = 10 * time.Minute

// mark makes a candidate suspect: it is used last, but never left out. When the mark has
// ended, one request at a time tests the candidate.
type mark struct {
	count  int
	until  time.Time
	tested time.Time // when the running test began; zero: none is running
}

// add starts a mark, or reports false if one is active: marks by requests that were sent at
// the same time count once.
func (m *mark) add(now time.Time) bool {
	if now.Before(m.until) {
		return false
	}
	m.until = now.Add(markLengths[min(m.count, len(markLengths)-1)])
	m.count++
	m.tested = time.Time{}
	return true
}

// deferred reports whether the candidate is used last.
func (m *mark) deferred(now time.Time) bool {
	return m.count > 0 && (now.Before(m.until) || !m.tested.IsZero() && now.Sub(m.tested) < testTimeout)
}

// test begins a test if one is due, and reports whether it did.
func (m *mark) test(now time.Time) bool {
	if m.count == 0 || m.deferred(now) {
		return false
	}
	m.tested = now
	return true
}

// evidence collects different requests that were refused. The same request sent twice counts
// once.
type evidence struct {
	requests []uint64 // fingerprints
	last     time.Time
}

// add records a request, and returns how many different ones there are now.
func (e *evidence) add(now time.Time, request uint64) int {
	if now.Sub(e.last) > evidenceTimeout {
		e.requests = e.requests[:0]
	}
	e.last = now
	for _, r := range e.requests {
		if r == request {
			return len(e.requests)
		}
	}
	if len(e.requests) < maxEvidence {
		e.requests = append(e.requests, request)
	}
	return len(e.requests)
}

// maxEvidence is the highest number of requests that any decision needs.
const maxEvidence = 3
