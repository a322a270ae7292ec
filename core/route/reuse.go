package route

import (
	"cmp"
	"context"
	"slices"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
)

// settings is what a planner knows of a candidate from the configuration. A planner can be
// reused if its candidates have the same settings.
type settings struct {
	id       string
	weight   float64
	fallback bool
	state    any // the candidate's live state
}

func (c *Channel) settings() settings {
	return settings{c.id(), c.Config.Weight, c.Config.Fallback, c.State}
}

func (k *Key) settings() settings { return settings{k.id(), k.Config.Weight, false, k.State} }

// channelWith returns the channel with that state, nil if there is none.
func (t *Table) channelWith(s *channel.State) *Channel {
	if t == nil {
		return nil
	}
	if r := t.singles[s.Name()]; r != nil && r.Channels[0].State == s {
		return r.Channels[0]
	}
	return nil
}

// keyState returns the state of a secret if it is in the same place as before, otherwise
// nil. It saves fingerprinting thousands of keys at each reload.
func (c *Channel) keyState(i int, secret config.Secret) *channel.Key {
	if c == nil || i >= len(c.Keys) || c.Keys[i].Config.Value.Plaintext() != secret.Plaintext() {
		return nil
	}
	return c.Keys[i].State
}

// plan returns the planner of a subject: that of the previous table if it can continue,
// else a new one with the state of the previous one.
func (t *Table) plan(of subject, o Options) *planner {
	known := []settings{}
	for _, c := range of.candidates {
		known = append(known, c.settings())
	}
	var old *planner
	if o.Previous != nil {
		old = o.Previous.planners[of.purpose]
	}
	p := old
	if old != nil && old.suits(of) && slices.Equal(old.known, known) {
		old.users.Add(1)
	} else {
		p = newPlanner(of, known, o)
		if old != nil {
			p.resumeFrom(old.save())
			p.countFrom(old)
			p.replaces = old.component != of.component && old.hasGoodPlan()
		} else {
			p.resumeFrom(o.Saved.of(of.purpose))
		}
	}
	t.planners[of.purpose] = p
	return p
}

// suits reports whether the planner can be reused for the subject.
func (p *planner) suits(of subject) bool {
	return p.component == of.component && p.onFailure == of.onFailure && p.router.equal(of.router) && p.sees(of) && (p.shadow == nil) == (of.shadow == nil)
}

// sees reports whether the component may see the same parts of requests.
func (p *planner) sees(of subject) bool {
	if p.block == nil || of.block == nil {
		return p.block == of.block
	}
	return slices.Equal(p.block.Expose, of.block.Expose)
}

func newPlanner(of subject, known []settings, o Options) *planner {
	n := len(known)
	p := &planner{
		subject: of, known: known, registry: o.Registry, notice: o.Notice, recovered: o.Recovered,
		turns: newTurns(n),
	}
	if p.recovered == nil {
		p.recovered = p.notice
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.users.Store(1)
	for _, k := range known {
		p.ids = append(p.ids, k.id)
	}
	p.before = p.count() // only later outcomes count
	return p
}

func (p *planner) hasGoodPlan() bool {
	by := p.current.Load()
	return by != nil && !by.core && !p.isFailing()
}

// countFrom takes over the counters at the last plan, so that no outcome is lost.
func (p *planner) countFrom(old *planner) {
	old.mu.Lock()
	defer old.mu.Unlock()
	for i, c := range p.known {
		if j := slices.IndexFunc(old.known, func(o settings) bool { return o.state == c.state }); j >= 0 {
			p.before.all[i] = old.before.all[j]
			if p.own != nil && old.own != nil {
				p.before.own[i] = old.before.own[j]
			}
		}
	}
}

// SavedPlanners is the saved state of planners. It contains no secrets.
type SavedPlanners []SavedPlanner

// MigrateSavedPlanners converts the format of older state files, in which a purpose
// was a string. It drops entries that it cannot read.
func MigrateSavedPlanners(old map[string]SavedPlanner) SavedPlanners {
	var out SavedPlanners
	for name, r := range old {
		if p, ok := parsePurpose(name); ok {
			r.Purpose = p
			out = append(out, r)
		}
	}
	out.sort()
	return out
}

func (m SavedPlanners) sort() {
	slices.SortFunc(m, func(a, b SavedPlanner) int { return a.compare(b.Purpose) })
}

func (m SavedPlanners) of(p Purpose) SavedPlanner {
	if i := slices.IndexFunc(m, func(r SavedPlanner) bool { return r.Purpose == p }); i >= 0 {
		return m[i]
	}
	return SavedPlanner{}
}

// SavedPlanner is the saved state of one planner. Candidates are identified by
// their IDs.
type SavedPlanner struct {
	Purpose
	State  []byte             `json:"state,omitempty"`  // the strategy's own
	Order  []string           `json:"order,omitempty"`  // the candidate that was picked longest ago first
	Credit map[string]float64 `json:"credit,omitempty"` // of smooth_wrr
	seq    uint64
}

// SavePlanners returns the state of the planners, to be saved.
func (t *Table) SavePlanners() SavedPlanners {
	out := SavedPlanners{}
	for purpose, p := range t.planners {
		r := p.save()
		r.Purpose = purpose
		out = append(out, r)
	}
	out.sort()
	return out
}

func (p *planner) save() SavedPlanner {
	r := SavedPlanner{State: p.resume.State, Credit: map[string]float64{}, seq: p.resume.seq}
	if by := p.current.Load(); by != nil {
		r.State, r.seq = by.state, by.seq
	}
	t := p.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	type turn struct {
		id string
		at uint64
	}
	var order []turn
	for i, id := range p.ids {
		if t.picked[i] > 0 {
			order = append(order, turn{id, t.picked[i]})
		}
		if t.credit[i] != 0 {
			r.Credit[id] = t.credit[i]
		}
	}
	slices.SortFunc(order, func(a, b turn) int { return cmp.Compare(a.at, b.at) })
	for _, o := range order {
		r.Order = append(r.Order, o.id)
	}
	return r
}

// resumeFrom continues with the saved state of another planner.
func (p *planner) resumeFrom(r SavedPlanner) {
	p.resume = r
	for _, id := range r.Order {
		if i := slices.Index(p.ids, id); i >= 0 {
			p.turns.clock++
			p.turns.picked[i] = p.turns.clock
		}
	}
	for id, credit := range r.Credit {
		if i := slices.Index(p.ids, id); i >= 0 {
			p.turns.credit[i] = credit
		}
	}
}

// Plans returns the planners by their purpose. A planner that is taken over by
// the next table keeps its value.
func (t *Table) Plans() map[Purpose]any {
	out := map[Purpose]any{}
	for purpose, p := range t.planners {
		if p.component != nil {
			out[purpose] = p
		}
	}
	return out
}
