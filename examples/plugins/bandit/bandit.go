package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// settings is the block of the strategy. By its tags, aitunnel checks and documents the block, and
// shows the place of errors.
type settings struct {
	Explore     float64       `hcl:"explore,optional" doc:"Share of the requests, 0 to 1, that goes to channels other than the best, to notice when one has become better."`
	FailureCost time.Duration `hcl:"failure_cost,optional" doc:"How much waiting time a failed attempt counts as. A higher value prefers reliable channels to fast ones."`
	HalfLife    time.Duration `hcl:"half_life,optional" doc:"How soon it forgets: a result this old counts half."`
	Refresh     time.Duration `hcl:"refresh,optional" doc:"How often it makes a new plan."`
}

var defaults = settings{
	Explore:     0.1,
	FailureCost: 5 * time.Second,
	HalfLife:    10 * time.Minute,
	Refresh:     2 * time.Second,
}

var bandit = sdk.Factory{
	Name: "bandit",
	Doc: `Sends most requests to the channel that has served best, and a few to the others to learn more.

What counts is the time to the first byte, and failures, each of which is as bad as waiting for failure_cost. A channel of which little is known is treated as if it were the best. Weights do not matter, except that channels of weight 0 serve when no other does. Fallback channels come after all others.`,
	Settings: defaults,
	New:      func() sdk.Component { return &strategy{settings: defaults} },
}

// strategy has only its settings: what it learns is in the State of its plans. So it needs
// no lock, a restart or an upgrade loses nothing, and no outcome is counted twice when
// aitunnel did not get a plan and asks again.
type strategy struct{ settings settings }

func (s *strategy) Configure(_ context.Context, cfg sdk.Config) error {
	if err := cfg.Decode(&s.settings); err != nil {
		return err
	}
	if !(s.settings.Explore >= 0 && s.settings.Explore <= 1) {
		return &sdk.ConfigError{Path: []string{"explore"}, Message: fmt.Sprintf("%v is not between 0 and 1", s.settings.Explore), Hint: "use a number from 0 to 1, such as 0.1"}
	}
	for name, d := range map[string]time.Duration{"failure_cost": s.settings.FailureCost, "half_life": s.settings.HalfLife, "refresh": s.settings.Refresh} {
		if d <= 0 {
			return &sdk.ConfigError{Path: []string{name}, Message: fmt.Sprintf("%s is not a usable time", d), Hint: `use more than 0, such as "10s"`}
		}
	}
	return nil
}

func (s *strategy) Close() error { return nil }

func (s *strategy) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	m := recall(req.State)
	m.fade(time.Now(), s.settings.HalfLife)
	m.learn(req.Outcomes)
	m.keep(req.Channels)
	state, err := m.state()
	if err != nil {
		return sdk.Plan{}, err
	}
	p := sdk.Plan{
		TTL:          s.settings.Refresh,
		InvalidateOn: []sdk.Change{sdk.ChangeMembership, sdk.ChangeHealth},
		State:        state,
	}
	for i, tier := range tiers(req.Channels) {
		best, others := s.rank(m, tier)
		if i == 0 {
			p.Reason = s.reason(m, best)
		}
		p.Groups = append(p.Groups, s.share(best, others))
	}
	return p, nil
}

// tiers splits channels into failover tiers: fallbacks after the others, and within both,
// those of weight 0 after the rest.
func tiers(channels []sdk.Snapshot) [][]sdk.Snapshot {
	var all [4][]sdk.Snapshot
	for _, c := range channels {
		tier := 0
		if c.Fallback {
			tier += 2
		}
		if c.Weight == 0 {
			tier++
		}
		all[tier] = append(all[tier], c)
	}
	return slices.DeleteFunc(all[:], func(tier []sdk.Snapshot) bool { return len(tier) == 0 })
}

// rank finds the best channels of a tier: the one with the lowest cost, and those of which
// too little is known. Unavailable ones are among the others.
func (s *strategy) rank(m memory, tier []sdk.Snapshot) (best, others []string) {
	var cheapest string
	for _, c := range tier {
		a, known := m.Arms[c.ID]
		switch {
		case !c.Available:
			others = append(others, c.ID)
		case !known || a.samples() < enough:
			best = append(best, c.ID)
		case cheapest == "":
			cheapest = c.ID
		case a.cost(s.settings.FailureCost) < m.Arms[cheapest].cost(s.settings.FailureCost):
			cheapest, others = c.ID, append(others, cheapest)
		default:
			others = append(others, c.ID)
		}
	}
	if cheapest != "" {
		best = append([]string{cheapest}, best...)
	}
	return best, others
}

// share gives the share explore of the requests to the others, by smooth_wrr and not at
// random: with few requests a day, random choices may not explore at all.
func (s *strategy) share(best, others []string) sdk.Group {
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleSmoothWRR}}
	explore := s.settings.Explore
	if len(best) == 0 {
		explore = 1
	}
	for _, id := range best {
		g.Members = append(g.Members, sdk.Member{ID: id, Weight: max(1-explore, 1e-6) / float64(len(best))})
	}
	for _, id := range others {
		g.Members = append(g.Members, sdk.Member{ID: id, Weight: explore / float64(len(others))})
	}
	return g
}

func (s *strategy) reason(m memory, best []string) string {
	if len(best) == 0 {
		return "none can be used"
	}
	a, known := m.Arms[best[0]]
	if !known || a.samples() < enough {
		return "all alike until more is known"
	}
	return fmt.Sprintf("%s has served best: %s an answer, failures counted in", best[0], a.cost(s.settings.FailureCost).Round(time.Millisecond))
}
