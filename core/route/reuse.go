package route

import (
	"cmp"
	"context"
	"slices"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
)

// trait is all of a candidate that a planner knows from the configuration. A
// planner whose candidates have the same traits would plan the same.
type trait struct {
	id       string
	weight   float64
	fallback bool
	state    any // the candidate's live state
}

func (c *Channel) trait() trait {
	return trait{c.id(), c.Config.Weight, c.Config.Fallback, c.State}
}

func (k *Key) trait() trait { return trait{k.id(), k.Config.Weight, false, k.State} }

// channelOf is the channel with that state, nil if there is none.
func (t *Table) channelOf(s *channel.State) *Channel {
	if t == nil {
		return nil
	}
	if r := t.singles[s.Name()]; r != nil && r.Channels[0].State == s {
		return r.Channels[0]
	}
	return nil
}

// keyState is that of a secret which stands in the same place as before, nil if
// it does not: to fingerprint thousands of keys at each reload takes its time.
func (c *Channel) keyState(i int, secret config.Secret) *channel.Key {
	if c == nil || i >= len(c.Keys) || c.Keys[i].Config.Value.Reveal() != secret.Reveal() {
		return nil
	}
	return c.Keys[i].State
}

// plan returns the planner of a subject: that of the previous table if it can
// go on, else a new one with what the previous one remembers.
func (t *Table) plan(of subject, o Options) *planner {
	traits := []trait{}
	for _, c := range of.candidates {
		traits = append(traits, c.trait())
	}
	var old *planner
	if o.Previous != nil {
		old = o.Previous.planners[of.purpose]
	}
	p := old
	if old != nil && old.plansLike(of) && slices.Equal(old.traits, traits) {
		old.users.Add(1)
	} else {
		p = newPlanner(of, traits, o)
		if old != nil {
			p.remember(old.memory())
			p.observed(old)
			p.replaces = old.component != of.component && old.plansWell()
		} else {
			p.remember(o.Memory.of(of.purpose))
		}
	}
	t.planners[of.purpose] = p
	return p
}

// plansLike says that the planner would do for the subject.
func (p *planner) plansLike(of subject) bool {
	return p.component == of.component && p.onFailure == of.onFailure && p.router.like(of.router) && (p.shadow == nil) == (of.shadow == nil)
}

func newPlanner(of subject, traits []trait, o Options) *planner {
	n := len(traits)
	p := &planner{
		subject: of, traits: traits, registry: o.Registry, notice: o.Notice, born: o.Registry.Now(),
		turns: newTurns(n), before: make([]channel.Counters, n),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.users.Store(1)
	for i, c := range p.candidates {
		p.ids = append(p.ids, traits[i].id)
		p.before[i] = c.counters() // what was before is no outcome of this planner's
	}
	return p
}

func (p *planner) plansWell() bool {
	by := p.current.Load()
	return by != nil && !by.makeshift && p.failures.Load() == 0
}

// observed takes over since when outcomes are to be told.
func (p *planner) observed(old *planner) {
	old.planning.Lock()
	defer old.planning.Unlock()
	for i, c := range p.traits {
		if j := slices.IndexFunc(old.traits, func(o trait) bool { return o.state == c.state }); j >= 0 {
			p.before[i] = old.before[j]
		}
	}
}

// Memory is where planners left off. It holds no secrets.
type Memory []Remembered

// MigrateMemory converts the form that state files had before purposes were
// structured. What it cannot read is left out.
func MigrateMemory(old map[string]Remembered) Memory {
	var out Memory
	for name, r := range old {
		if p, ok := parsePurpose(name); ok {
			r.Purpose = p
			out = append(out, r)
		}
	}
	out.sort()
	return out
}

func (m Memory) sort() {
	slices.SortFunc(m, func(a, b Remembered) int { return cmp.Compare(a.Purpose.String(), b.Purpose.String()) })
}

func (m Memory) of(p Purpose) Remembered {
	if i := slices.IndexFunc(m, func(r Remembered) bool { return r.Purpose == p }); i >= 0 {
		return m[i]
	}
	return Remembered{}
}

// Remembered is where one planner left off. Candidates are known by their IDs.
type Remembered struct {
	Purpose
	State  []byte             `json:"state,omitempty"`  // the strategy's own
	Order  []string           `json:"order,omitempty"`  // the candidate picked longest ago first
	Credit map[string]float64 `json:"credit,omitempty"` // of smooth weighted turns
	seq    uint64
}

// Memory tells where the planners are.
func (t *Table) Memory() Memory {
	out := Memory{}
	for purpose, p := range t.planners {
		r := p.memory()
		r.Purpose = purpose
		out = append(out, r)
	}
	out.sort()
	return out
}

func (p *planner) memory() Remembered {
	r := Remembered{Credit: map[string]float64{}}
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

// remember goes on where another planner left off.
func (p *planner) remember(r Remembered) {
	if r.State != nil || r.seq > 0 {
		p.current.Store(&plan{state: r.State, seq: r.seq})
		p.inherited = true
	}
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

// Plans are the planners by what they are for: for the same planner the same
// value, in this table and the next.
func (t *Table) Plans() map[Purpose]any {
	out := map[Purpose]any{}
	for purpose, p := range t.planners {
		if p.component != nil {
			out[purpose] = p
		}
	}
	return out
}
