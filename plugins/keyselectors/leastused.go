package keyselectors

import (
	"context"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

var leastUsed = sdk.Factory{
	Name: "least-used",
	Doc: `Uses the keys so that each gets the same number of requests in total.

A key that has had fewer, because it is new or was not available, gets all requests until it has caught up. Weights do not matter, except that keys of weight 0 are used only when no other is available.`,
	New: func() sdk.Component { return leastUsedSelector{} },
}

// refresh is how often the counts are compared.
const refresh = time.Second

type leastUsedSelector struct{}

func (leastUsedSelector) Configure(context.Context, sdk.Config) error { return nil }
func (leastUsedSelector) Close() error                                { return nil }

// PlanKeys gives each key as many of the next requests as it needs to catch up with the
// others. Counts are up to a second old, so the rule has to keep the balance in between:
// weights are in proportion to how far each key is behind, and equal once none is.
func (leastUsedSelector) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	p := sdk.Plan{
		TTL:          refresh,
		InvalidateOn: []sdk.Change{sdk.ChangeMembership, sdk.ChangeLimits},
		Reason:       "the fewest requests so far",
	}
	for _, tier := range tiers(req.Keys) {
		p.Groups = append(p.Groups, level(tier, expected(req.Outcomes)))
	}
	return p, nil
}

// expected estimates how many requests come until the next plan: as many as since the
// last.
func expected(outcomes []sdk.Outcome) uint64 {
	var n uint64
	for _, o := range outcomes {
		n += o.Successes + o.Failures
	}
	return n
}

// level distributes n requests, or one for each key if that is more, so that the counts
// become as equal as possible. Keys that cannot be used now are ignored.
func level(keys []sdk.Snapshot, n uint64) sdk.Group {
	keys = slices.Clone(keys)
	slices.SortStableFunc(keys, func(a, b sdk.Snapshot) int {
		switch {
		case a.Available != b.Available && a.Available, a.Available == b.Available && used(a) < used(b):
			return -1
		case a.Available != b.Available, used(a) > used(b):
			return 1
		}
		return 0
	})
	usable := slices.IndexFunc(keys, func(k sdk.Snapshot) bool { return !k.Available })
	if usable <= 0 {
		usable = len(keys)
	}
	requests := float64(max(n, uint64(usable)))
	mark := waterline(keys[:usable], requests)
	g := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleSmoothWRR}}
	for i, k := range keys {
		m := sdk.Member{ID: k.ID}
		if i < usable {
			// Weights add up to 1: the rule keeps its counters across plans, so all
			// plans need weights on the same scale.
			m.Weight = max(0, mark-used(k)) / requests
		}
		g.Members = append(g.Members, m)
	}
	return g
}

// waterline returns how high n units of water rise over the counts, which are in
// ascending order.
func waterline(keys []sdk.Snapshot, n float64) float64 {
	var sum float64
	for i, k := range keys {
		sum += used(k)
		mark := (sum + n) / float64(i+1)
		if i+1 == len(keys) || mark <= used(keys[i+1]) {
			return mark
		}
	}
	return 0
}

// used includes requests in flight, which Requests does not count yet.
func used(k sdk.Snapshot) float64 { return float64(k.Requests) + float64(k.InFlight) }
