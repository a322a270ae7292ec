// Package keyselectors contains the key selectors that come with aitunnel. Like those of
// any plugin, they see IDs, weights and counters of keys, but never a key.
package keyselectors

import (
	"context"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// Components lists the key selectors of this package.
func Components() []sdk.Factory {
	return []sdk.Factory{roundRobin, random, weighted, sequential, leastUsed}
}

// maxTTL is the TTL of plans that become obsolete only when the keys change.
const maxTTL = time.Hour

// fixed is a key selector without settings whose plan follows from the
// configuration alone.
type fixed struct {
	reason string
	rule   sdk.RuleKind
	equal  bool // weights do not matter
}

func (f fixed) Configure(context.Context, sdk.Config) error { return nil }
func (f fixed) Close() error                                { return nil }

func (f fixed) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	p := sdk.Plan{TTL: maxTTL, InvalidateOn: []sdk.Change{sdk.ChangeMembership}, Reason: f.reason}
	for _, tier := range tiers(req.Keys) {
		g := sdk.Group{Rule: sdk.Rule{Kind: f.rule}}
		for _, k := range tier {
			m := sdk.Member{ID: k.ID, Weight: k.Weight}
			if f.equal {
				m.Weight = 1
			}
			g.Members = append(g.Members, m)
		}
		p.Groups = append(p.Groups, g)
	}
	return p, nil
}

// tiers puts keys of weight 0 after the others, because not every rule does that
// itself. No tier is empty.
func tiers(keys []sdk.Snapshot) [][]sdk.Snapshot {
	var all [2][]sdk.Snapshot
	for _, k := range keys {
		i := 0
		if k.Weight == 0 {
			i = 1
		}
		all[i] = append(all[i], k)
	}
	return slices.DeleteFunc(all[:], func(tier []sdk.Snapshot) bool { return len(tier) == 0 })
}

var roundRobin = sdk.Factory{
	Name: "round-robin",
	Doc: `Uses the keys in turn, whatever their weight.

Keys of weight 0 are used only when no other is available.`,
	New: func() sdk.Component { return fixed{reason: "in turn", rule: sdk.RuleCycle, equal: true} },
}

var random = sdk.Factory{
	Name: "random",
	Doc: `Picks a key at random, each with the same probability.

Keys of weight 0 are used only when no other is available.`,
	New: func() sdk.Component { return fixed{reason: "at random", rule: sdk.RuleWeightedRandom, equal: true} },
}

var weighted = sdk.Factory{
	Name: "weighted",
	Doc: `Distributes the requests in proportion to the keys' weights, evenly mixed.

Weights 3 and 1 give three of four requests to the first key. Keys of weight 0 are used only when no other is available.`,
	New: func() sdk.Component { return fixed{reason: "in proportion to weight", rule: sdk.RuleSmoothWRR} },
}

var sequential = sdk.Factory{
	Name: "sequential",
	Doc: `Uses the first key until it fails, then the second, and so on.

An earlier key is used again as soon as it is available. Keys of weight 0 are used only when no other is available.`,
	New: func() sdk.Component {
		return fixed{reason: "the first that is available", rule: sdk.RuleOrder, equal: true}
	},
}
