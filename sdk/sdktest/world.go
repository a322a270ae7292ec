package sdktest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// world is a set of simulated members, which succeed and fail.
type world struct {
	picker  *picker
	members []*member
}

type member struct {
	snapshot sdk.Snapshot
	outcome  sdk.Outcome // since the last plan
	recent   []bool      // the last attempts, true for a failure
	ttfb     time.Duration
	failing  float64
}

// newWorld returns n members, each slower and less reliable than the one before.
func newWorld(n int) *world {
	w := &world{picker: newPicker()}
	for i, c := range candidates(n) {
		m := &member{snapshot: c}
		m.set(Simulated{TTFB: time.Duration(20+40*i) * time.Millisecond, Failing: float64(i) / float64(2*n)})
		w.members = append(w.members, m)
	}
	return w
}

func (m *member) set(made Simulated) {
	m.ttfb, m.failing = made.TTFB, made.Failing
	m.snapshot.Fallback, m.snapshot.Label = made.Fallback, made.Label
	m.snapshot.Egress, m.snapshot.PriceFactor = made.Egress, cmp.Or(made.Price, 1)
	m.snapshot.Weight = max(0, made.Weight)
	if made.Weight == 0 {
		m.snapshot.Weight = 1
	}
}

// question returns the next request for a plan.
func (w *world) question(state []byte) question {
	q := question{state: state}
	for _, m := range w.members {
		q.candidates = append(q.candidates, m.snapshot)
		if m.outcome.Successes+m.outcome.Failures > 0 {
			o := m.outcome
			o.ID = m.snapshot.ID
			if o.Successes > 0 {
				o.TTFB /= time.Duration(o.Successes)
			}
			q.outcomes = append(q.outcomes, o)
		}
		m.outcome = sdk.Outcome{}
	}
	return q
}

// use makes n requests with the plan, and returns how often each member was tried first.
func (w *world) use(p sdk.Plan, n int) map[string]int {
	first := map[string]int{}
	for range n {
		tried := map[string]bool{}
		for range w.members {
			id, ok := w.picker.pick(p, func(id string) bool { return !tried[id] })
			if !ok {
				break
			}
			if len(tried) == 0 {
				first[id]++
			}
			tried[id] = true
			if w.member(id).attempt(w.picker.random) {
				break
			}
		}
	}
	return first
}

func (w *world) member(id string) *member {
	for _, m := range w.members {
		if m.snapshot.ID == id {
			return m
		}
	}
	panic(fmt.Sprintf("sdktest: a plan was used that names %q", id))
}

// attempt makes one request to the member, and records it as the host does.
func (m *member) attempt(random *rand.Rand) (ok bool) {
	const remembered = 50
	ok = random.Float64() >= m.failing
	s := &m.snapshot
	s.Requests++
	if ok {
		m.outcome.Successes++
		m.outcome.TTFB += m.ttfb
		if s.TTFB += (m.ttfb - s.TTFB) / 5; s.Requests == 1 {
			s.TTFB = m.ttfb
		}
	} else {
		m.outcome.Failures++
	}
	m.recent = append(m.recent, !ok)
	m.recent = m.recent[max(0, len(m.recent)-remembered):]
	failures := 0
	for _, failed := range m.recent {
		if failed {
			failures++
		}
	}
	s.ErrorRate = float64(failures) / float64(len(m.recent))
	return ok
}
