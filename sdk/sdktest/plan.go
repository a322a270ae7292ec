package sdktest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// The host's limits of a plan.
const (
	maxState      = 64 << 10 // bytes
	maxAttributes = 32
)

// question is the request for a plan of a strategy or key selector.
type question struct {
	candidates []sdk.Snapshot
	outcomes   []sdk.Outcome
	state      []byte
}

// ask requests a plan from an instance of either kind.
func (k *kit) ask(ctx context.Context, c *host.Component, q question) (sdk.Plan, error) {
	if k.described.Kind == sdk.KindKeySelector {
		return c.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: "site", Keys: q.candidates, Outcomes: q.outcomes, State: q.state})
	}
	return c.Plan(ctx, sdk.PlanRequest{Route: "/v1/**", Channels: q.candidates, Outcomes: q.outcomes, State: q.state})
}

// method returns the name of the method that plans.
func (k *kit) method() string {
	if k.described.Kind == sdk.KindKeySelector {
		return "PlanKeys"
	}
	return "Plan"
}

// noun returns what is planned.
func (k *kit) noun() string {
	if k.described.Kind == sdk.KindKeySelector {
		return "keys"
	}
	return "channels"
}

// sound requests a plan, and fails the test if the host would refuse it.
func (k *kit) sound(r *rig, c *host.Component, q question) sdk.Plan {
	r.t.Helper()
	p, err := k.plan(c, q)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// plan requests a plan and checks it. Any goroutine may call it.
func (k *kit) plan(c *host.Component, q question) (sdk.Plan, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p, err := k.ask(ctx, c, q)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return p, fmt.Errorf("%s did not return within %s for %d %s: the host waits 2 s, then goes on by the last plan: return when the context ends", k.method(), patience, len(q.candidates), k.noun())
	case errors.Is(err, sdk.ErrPanic):
		return p, fmt.Errorf("%s panics for %s: %w", k.method(), k.describe(q), err)
	case err != nil:
		return p, fmt.Errorf("%s fails for %s: %w", k.method(), k.describe(q), err)
	}
	if faults := k.faults(p, q.candidates); len(faults) > 0 {
		return p, fmt.Errorf("the plan for %s is not sound:\n  %s", k.describe(q), strings.Join(faults, "\n  "))
	}
	return p, nil
}

// describe describes the question in one line.
func (k *kit) describe(q question) string {
	text := fmt.Sprintf("%d %s", len(q.candidates), k.noun())
	if n := len(q.candidates); n > 0 && n <= 4 {
		var ids []string
		for _, c := range q.candidates {
			ids = append(ids, fmt.Sprintf("%s (weight %v, available %v, fallback %v, ttfb %s, error rate %v)", c.ID, c.Weight, c.Available, c.Fallback, c.TTFB, c.ErrorRate))
		}
		text = strings.Join(ids, ", ")
	}
	if len(q.state) > 0 {
		text += fmt.Sprintf(" and a state of %d bytes", len(q.state))
	}
	return text
}

// faults returns why the host would refuse the plan, and what would be of no use.
func (k *kit) faults(p sdk.Plan, candidates []sdk.Snapshot) (faults []string) {
	add := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	known := make(map[string]bool, len(candidates))
	for _, c := range candidates {
		known[c.ID] = true
	}
	seen := make(map[string]bool, len(candidates))
	for _, g := range p.Groups {
		faults = append(faults, ruleFaults(g.Rule)...)
		for _, m := range g.Members {
			switch {
			case !known[m.ID]:
				add("it names %q, which is not one of the %s it was asked about", m.ID, k.noun())
			case seen[m.ID]:
				add("it names %q twice", m.ID)
			}
			seen[m.ID] = true
			if !(m.Weight >= 0) || math.IsInf(m.Weight, 0) {
				add("%q has the weight %v: weights are finite and 0 or more", m.ID, m.Weight)
			}
			if m.MaxInFlight < 0 {
				add("%q has MaxInFlight %d", m.ID, m.MaxInFlight)
			}
		}
	}
	refuses := p.None != nil && len(p.Groups) == 0 && k.described.Kind == sdk.KindStrategy
	if p.None != nil && !refuses {
		add("None is for strategies whose plan has no groups")
	}
	missing := slices.DeleteFunc(slices.Clone(candidates), func(c sdk.Snapshot) bool { return seen[c.ID] })
	switch {
	case len(missing) == 0 || refuses:
	case len(missing) == len(candidates):
		add("it names none of the %d %s", len(candidates), k.noun())
	case !k.leavesOut:
		add("it leaves out %d of the %d %s, %q among them, so that they are not tried when all others fail (if that is meant: sdktest.LeavesOut)", len(missing), len(candidates), k.noun(), missing[0].ID)
	}
	if len(p.State) > maxState {
		add("its State has %d bytes; the host keeps %d", len(p.State), maxState)
	}
	if p.TTL < 0 || p.MaxStale < 0 {
		add("TTL %s and MaxStale %s must not be below 0", p.TTL, p.MaxStale)
	}
	if name, ok := noAttribute(p.Attributes); ok {
		add("Attributes names %q: attributes are header.NAME, query.NAME, body.PATH, model and client (see attribute.IsValid)", name)
	}
	if len(p.Attributes) > maxAttributes {
		add("it names %d Attributes; the host passes on %d", len(p.Attributes), maxAttributes)
	}
	for _, c := range p.InvalidateOn {
		if c != sdk.ChangeHealth && c != sdk.ChangeMembership && c != sdk.ChangeLimits {
			add("InvalidateOn names %q, which is no change that the host knows", c)
		}
	}
	return faults
}

func ruleFaults(r sdk.Rule) []string {
	switch r.Kind {
	case sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleWeightedRandom, sdk.RuleLeastLoad, sdk.RuleP2C:
		return nil
	case sdk.RuleHash:
	default:
		return []string{fmt.Sprintf("the rule %q is not one that the host knows", r.Kind)}
	}
	if len(r.Hash) == 0 {
		return []string{"the rule hash names no attribute of requests to hash"}
	}
	if name, ok := noAttribute(r.Hash); ok {
		return []string{fmt.Sprintf("the rule hash names %q: attributes are header.NAME, query.NAME, body.PATH, model and client (see attribute.IsValid)", name)}
	}
	return nil
}

// same reports whether two plans would be used alike.
func same(a, b sdk.Plan) bool {
	if a.TTL != b.TTL || a.MaxStale != b.MaxStale || !slices.Equal(a.InvalidateOn, b.InvalidateOn) || len(a.Groups) != len(b.Groups) {
		return false
	}
	for i, g := range a.Groups {
		h := b.Groups[i]
		alike := func(m, n sdk.Member) bool {
			return m.ID == n.ID && m.MaxInFlight == n.MaxInFlight && math.Abs(m.Weight-n.Weight) <= 1e-6*max(m.Weight, n.Weight)
		}
		if g.Rule.Kind != h.Rule.Kind || !slices.Equal(g.Rule.Hash, h.Rule.Hash) || !slices.EqualFunc(g.Members, h.Members, alike) {
			return false
		}
	}
	return true
}

// groups describes a plan's groups: "order: a=2 b=1 | order: c=1".
func groups(p sdk.Plan) string {
	var all []string
	for _, g := range p.Groups {
		var members []string
		for _, m := range g.Members {
			members = append(members, fmt.Sprintf("%s=%.3g", m.ID, m.Weight))
		}
		all = append(all, fmt.Sprintf("%s: %s", g.Rule.Kind, strings.Join(members, " ")))
	}
	return strings.Join(all, " | ")
}

// candidates returns n healthy candidates of different speeds.
func candidates(n int) []sdk.Snapshot {
	all := make([]sdk.Snapshot, n)
	for i := range all {
		all[i] = sdk.Snapshot{
			ID: fmt.Sprint("c", i), Weight: 1, Available: true, Health: sdk.HealthUp,
			TTFB: time.Duration(50+10*(i%7)) * time.Millisecond, Requests: uint64(i % 5),
		}
	}
	return all
}

// mixed returns n candidates of all kinds.
func mixed(n int, fallbacks bool) []sdk.Snapshot {
	all := candidates(n)
	for i := range all {
		c := &all[i]
		c.Weight, c.Available, c.Fallback = float64(i%4), i%5 != 0, fallbacks && i%7 == 3
		c.TTFB, c.ErrorRate, c.InFlight = time.Duration(i%11)*time.Millisecond, float64(i%3)/2, i%6
		if !c.Available {
			c.Health = sdk.HealthDown
		}
	}
	return all
}
