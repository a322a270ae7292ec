// Package strategies contains the strategies that come with aitunnel. They use only the
// SDK, like any plugin, so they are also examples for authors of strategies.
package strategies

import (
	"context"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// Components lists the strategies of this package.
func Components() []sdk.Factory {
	return []sdk.Factory{
		priority, roundRobin, weighted, lowestLatency, leastBusy, sticky,
	}
}

// maxTTL is the TTL of plans that become obsolete only when the channels change.
const maxTTL = time.Hour

// fixed is a strategy without settings whose plan follows from the
// configuration alone.
type fixed struct {
	reason string
	rule   sdk.RuleKind
	sorted bool // by weight, the highest first
}

func (f fixed) Configure(context.Context, sdk.Config) error { return nil }
func (f fixed) Close() error                                { return nil }

func (f fixed) Plan(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	channels := req.Channels
	if f.sorted {
		channels = slices.Clone(channels)
		slices.SortStableFunc(channels, heavierFirst)
	}
	return plan(channels, sdk.Rule{Kind: f.rule}, f.reason), nil
}

func plan(channels []sdk.Snapshot, rule sdk.Rule, reason string) sdk.Plan {
	p := sdk.Plan{TTL: maxTTL, InvalidateOn: []sdk.Change{sdk.ChangeMembership}, Reason: reason}
	for _, tier := range tiers(channels) {
		g := sdk.Group{Rule: rule}
		for _, c := range tier {
			g.Members = append(g.Members, sdk.Member{ID: c.ID, Weight: c.Weight})
		}
		p.Groups = append(p.Groups, g)
	}
	return p
}

// tiers splits channels into failover tiers: fallbacks after the others and, within both,
// weight 0 after the rest, because not every rule does that itself. No tier is empty.
func tiers(channels []sdk.Snapshot) [][]sdk.Snapshot {
	var all [4][]sdk.Snapshot
	for _, c := range channels {
		i := 0
		if c.Fallback {
			i += 2
		}
		if c.Weight == 0 {
			i++
		}
		all[i] = append(all[i], c)
	}
	return slices.DeleteFunc(all[:], func(tier []sdk.Snapshot) bool { return len(tier) == 0 })
}

func heavierFirst(a, b sdk.Snapshot) int {
	switch {
	case a.Weight > b.Weight:
		return -1
	case a.Weight < b.Weight:
		return 1
	}
	return 0
}
