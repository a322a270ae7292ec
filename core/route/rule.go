package route

import (
	"math"
	"math/rand/v2"
	"sync"

	"github.com/aitunnel/aitunnel/sdk"
)

// view is what a rule sees of the candidates for one pick.
type view interface {
	available(index int) bool
	load(index int) int
	// hashOf returns the hash of the first of the named attributes that the request
	// has.
	hashOf(attributes []string) (uint64, bool)
}

// turns records when each candidate was last picked. It outlives plans, so that a new
// plan continues with the same turns.
type turns struct {
	mu     sync.Mutex
	clock  uint64
	picked []uint64  // the value of clock when the candidate was last picked
	credit []float64 // of smooth_wrr
}

func newTurns(n int) *turns {
	return &turns{picked: make([]uint64, n), credit: make([]float64, n)}
}

// choose applies the group's rule to its available members. It allocates
// nothing.
func (t *turns) choose(g *group, v view) (index int, ok bool) {
	var m *member
	switch g.rule.Kind {
	case sdk.RuleOrder:
		m = inOrder(g, v)
	case sdk.RuleCycle:
		m = t.cycle(g, v)
	case sdk.RuleSmoothWRR:
		m = t.smooth(g, v)
	case sdk.RuleWeightedRandom:
		m = weightedRandom(g, v)
	case sdk.RuleP2C:
		m = powerOfTwo(g, v)
	case sdk.RuleHash:
		if h, ok := v.hashOf(g.rule.Hash); ok {
			m = rendezvous(g, v, h)
		} else {
			m = t.leastLoad(g, v)
		}
	default:
		m = t.leastLoad(g, v)
	}
	if m == nil {
		return 0, false
	}
	return m.index, true
}

func (m *member) available(v view) bool {
	return v.available(m.index) && (m.max == 0 || v.load(m.index) < m.max)
}

func inOrder(g *group, v view) *member {
	for i := range g.members {
		if m := &g.members[i]; m.available(v) {
			return m
		}
	}
	return nil
}

// cycle picks the member that was picked longest ago. The turns of a member that
// is unavailable are divided equally among the others.
func (t *turns) cycle(g *group, v view) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.queue(g)
	for i := q.first(); i != q.end(); i = q.next[i] {
		if m := &g.members[i]; m.available(v) {
			t.recordPick(g, i)
			return m
		}
	}
	return nil
}

// recordPick records that a member was picked.
func (t *turns) recordPick(g *group, i int32) {
	t.clock++
	t.picked[g.members[i].index] = t.clock
	g.queue.toBack(i)
	g.queue.clock = t.clock
}

// smooth returns the smooth weighted round-robin of nginx over the available members:
// each gains its weight, and the one with most credit is picked and loses the sum.
func (t *turns) smooth(g *group, v view) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	var best *member
	var total float64
	for i := range g.members {
		m := &g.members[i]
		if m.weight == 0 || !m.available(v) {
			continue
		}
		t.credit[m.index] += m.weight
		total += m.weight
		if best == nil || t.credit[m.index] > t.credit[best.index] {
			best = m
		}
	}
	if best == nil {
		return inOrder(g, v)
	}
	t.credit[best.index] -= total
	return best
}

func weightedRandom(g *group, v view) *member {
	var total float64
	for i := range g.members {
		if m := &g.members[i]; m.available(v) {
			total += m.weight
		}
	}
	if total == 0 {
		return inOrder(g, v)
	}
	draw := rand.Float64() * total
	var last *member
	for i := range g.members {
		m := &g.members[i]
		if m.weight == 0 || !m.available(v) {
			continue
		}
		last = m
		if draw -= m.weight; draw < 0 {
			break
		}
	}
	return last
}

// leastLoad picks the member with the fewest requests for its weight; among
// equals the one picked longest ago, which comes first in the queue.
func (t *turns) leastLoad(g *group, v view) *member {
	t.mu.Lock()
	defer t.mu.Unlock()
	q := t.queue(g)
	best, least := q.end(), math.Inf(1)
	for i := q.first(); i != q.end(); i = q.next[i] {
		m := &g.members[i]
		share := m.share(v)
		if best != q.end() && share >= least || !m.available(v) {
			continue
		}
		best, least = i, share
		if share <= q.idle {
			break // none can have less
		}
	}
	if best == q.end() {
		return nil
	}
	t.recordPick(g, best)
	return &g.members[best]
}

func (m *member) share(v view) float64 {
	if m.weight == 0 {
		return math.Inf(1)
	}
	return float64(v.load(m.index)+1) / m.weight
}

// powerOfTwo draws two available members with equal probability, and picks the less loaded
// one.
func powerOfTwo(g *group, v view) *member {
	var a, b *member
	n := 0
	for i := range g.members {
		m := &g.members[i]
		if !m.available(v) {
			continue
		}
		// Reservoir sampling of two places.
		n++
		switch at := rand.IntN(n); {
		case n == 1:
			a = m
		case n == 2:
			b = m
		case at == 0:
			a = m
		case at == 1:
			b = m
		}
	}
	if b == nil {
		return a
	}
	shareA, shareB := a.share(v), b.share(v)
	if shareB < shareA || shareA == shareB && rand.IntN(2) == 0 {
		return b
	}
	return a
}

// rendezvous picks the member with the highest weighted score for h. If a member becomes
// unavailable, only its requests move (Thaler and Ravishankar, 1998; weights as in
// Schindelhauer and Schomaker, 2005).
func rendezvous(g *group, v view, h uint64) *member {
	var best *member
	var top float64
	equal := g.equalWeights()
	for i := range g.members {
		m := &g.members[i]
		// A number in (0,1) that is the same for the same request and member.
		score := (float64(mix(h^m.hash)>>11) + 0.5) / (1 << 53)
		if !equal {
			score = -m.weight / math.Log(score)
		}
		if (best == nil || score > top) && m.available(v) {
			best, top = m, score
		}
	}
	return best
}

// equalWeights reports whether all members have the same positive weight: their scores then
// have the order of their hashes.
func (g *group) equalWeights() bool {
	for i := range g.members {
		if w := g.members[i].weight; w == 0 || w != g.members[0].weight {
			return false
		}
	}
	return true
}

// mix returns the finalizer of splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
