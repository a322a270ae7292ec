package route

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

// constant is a strategy whose plan is always the same.
type constant struct{ plan sdk.Plan }

func (constant) Configure(context.Context, sdk.Config) error { return nil }
func (constant) Close() error                                { return nil }
func (c constant) Plan(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
	return c.plan, nil
}

// idle is a view of candidates that are all available and idle, where each request is a
// session of its own.
type idle struct{}

func (idle) available(int) bool             { return true }
func (idle) load(int) int                   { return 0 }
func (idle) hashOf([]string) (uint64, bool) { return rand.Uint64(), true } //nolint:gosec // no secret

// TestSimulationsMatchTheRules compares the simulation with which authors test their
// strategies with the rules as they are applied.
func TestSimulationsMatchTheRules(t *testing.T) {
	const picks = 4000
	members := []sdk.Member{{ID: "a", Weight: 1}, {ID: "b", Weight: 4}, {ID: "c", Weight: 2}, {ID: "d", Weight: 0.5}}
	made, ids := map[string]sdktest.Simulated{}, []string{}
	for _, m := range members {
		made[m.ID] = sdktest.Simulated{Weight: m.Weight}
		ids = append(ids, m.ID)
	}
	for _, kind := range []sdk.RuleKind{sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleLeastLoad, sdk.RuleWeightedRandom, sdk.RuleP2C, sdk.RuleHash} {
		t.Run(string(kind), func(t *testing.T) {
			p := sdk.Plan{Groups: []sdk.Group{{Rule: sdk.Rule{Kind: kind, Hash: []string{"body.user"}}, Members: members}}}
			simulated, _ := sdktest.Simulate(t, sdk.Factory{Name: "constant", New: func() sdk.Component { return constant{p} }}, nil, made).Run(picks)
			compiled, err := compile(p, ids)
			if err != nil {
				t.Fatal(err)
			}
			applied := map[string]int{}
			turns := newTurns(len(ids))
			for range picks {
				i, ok := turns.choose(&compiled.groups[0], idle{})
				if !ok {
					t.Fatal("no pick")
				}
				applied[ids[i]]++
			}
			exact := slices.Contains([]sdk.RuleKind{sdk.RuleOrder, sdk.RuleCycle, sdk.RuleSmoothWRR, sdk.RuleLeastLoad}, kind)
			for _, id := range ids {
				slack := 0.0
				if !exact { // six standard deviations of the difference of two
					share := float64(applied[id]+simulated[id]) / (2 * picks)
					slack = 6*math.Sqrt(2*picks*share*(1-share)) + 1
				}
				if math.Abs(float64(applied[id]-simulated[id])) > slack {
					t.Errorf("%s: simulated %v, applied %v", id, simulated, applied)
				}
			}
		})
	}
}
