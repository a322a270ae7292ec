package channel

import "time"

// markLengths are how long the marks last that follow each other without a
// good answer in between; the last length repeats.
var markLengths = []time.Duration{2 * time.Minute, 8 * time.Minute, 32 * time.Minute, time.Hour}

// testTimeout ends a test whose request is not heard of again.
const testTimeout = 10 * time.Minute

// mark is a suspicion. A candidate with one is taken last, and never left out.
// When its time has passed, one request at a time tests the candidate.
type mark struct {
	count  int
	until  time.Time
	tested time.Time // since when a request tests it; zero: none does
}

// add marks. Marks by requests that were sent at the same time count once.
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

// test begins the test that is due; it says whether there is one.
func (m *mark) test(now time.Time) bool {
	if m.count == 0 || m.deferred(now) {
		return false
	}
	m.tested = now
	return true
}

// evidence collects requests that speak against something. Two that are
// different count for more than one that is sent twice.
type evidence struct {
	requests []uint64 // fingerprints
	last     time.Time
}

// add notes a request, and returns how many different ones there are now.
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

// maxEvidence is the highest number of requests that anything depends on.
const maxEvidence = 3
