package sdktest

import (
	"math"
	"math/rand/v2"

	"github.com/aitunnel/aitunnel/sdk"
)

// picker applies plans to requests, one at a time, as the host does. It remembers turns
// across plans.
type picker struct {
	random *rand.Rand
	clock  int
	picked map[string]int
	credit map[string]float64
}

// newPicker returns a picker with a fixed seed.
func newPicker() *picker {
	return &picker{random: rand.New(rand.NewPCG(1, 2)), picked: map[string]int{}, credit: map[string]float64{}}
}

// pick returns the choice for a request, which has every attribute that is hashed.
func (p *picker) pick(plan sdk.Plan, ready func(id string) bool) (id string, ok bool) {
	for _, g := range plan.Groups {
		var usable []sdk.Member
		for _, m := range g.Members {
			if ready(m.ID) {
				usable = append(usable, m)
			}
		}
		if len(usable) > 0 {
			m := p.choose(g.Rule.Kind, usable)
			p.clock++
			p.picked[m.ID] = p.clock
			return m.ID, true
		}
	}
	return "", false
}

func (p *picker) choose(rule sdk.RuleKind, usable []sdk.Member) sdk.Member {
	switch rule {
	case sdk.RuleCycle:
		return p.longestAgo(usable)
	case sdk.RuleSmoothWRR:
		return p.smooth(usable)
	case sdk.RuleWeightedRandom, sdk.RuleHash: // as if each request were another conversation
		return p.draw(usable)
	case sdk.RuleLeastLoad:
		return p.longestAgo(p.heaviest(usable))
	case sdk.RuleP2C:
		return p.ofTwo(usable)
	}
	return usable[0]
}

func (p *picker) longestAgo(usable []sdk.Member) sdk.Member {
	best := usable[0]
	for _, m := range usable {
		if p.picked[m.ID] < p.picked[best.ID] {
			best = m
		}
	}
	return best
}

// heaviest returns those with the least load for their weight when no request is in
// flight.
func (p *picker) heaviest(usable []sdk.Member) (best []sdk.Member) {
	top := math.Inf(-1)
	for _, m := range usable {
		if m.Weight > top {
			best, top = nil, m.Weight
		}
		if m.Weight == top {
			best = append(best, m)
		}
	}
	return best
}

// ofTwo returns the heavier of two random ones.
func (p *picker) ofTwo(usable []sdk.Member) sdk.Member {
	drawn := p.random.Perm(len(usable))
	drawn = drawn[:min(2, len(drawn))]
	pair := make([]sdk.Member, len(drawn))
	for i, at := range drawn {
		pair[i] = usable[at]
	}
	return p.heaviest(pair)[0]
}

// smooth returns the smooth weighted round-robin of nginx.
func (p *picker) smooth(usable []sdk.Member) sdk.Member {
	top := scale(usable)
	if top == 0 {
		return usable[0]
	}
	var best *sdk.Member
	var total float64
	for i := range usable {
		m := &usable[i]
		if m.Weight == 0 {
			continue
		}
		p.credit[m.ID] += m.Weight / top
		total += m.Weight / top
		if best == nil || p.credit[m.ID] > p.credit[best.ID] {
			best = m
		}
	}
	p.credit[best.ID] -= total
	return *best
}

func (p *picker) draw(usable []sdk.Member) sdk.Member {
	top := scale(usable)
	var total float64
	for _, m := range usable {
		if m.Weight > 0 {
			total += m.Weight / top
		}
	}
	last := usable[0]
	at := p.random.Float64() * total
	for _, m := range usable {
		if m.Weight == 0 {
			continue
		}
		last = m
		if at -= m.Weight / top; at < 0 {
			break
		}
	}
	return last
}

// scale returns the heaviest weight, by which to divide so that no sum overflows.
func scale(members []sdk.Member) (top float64) {
	for _, m := range members {
		top = max(top, m.Weight)
	}
	return top
}
