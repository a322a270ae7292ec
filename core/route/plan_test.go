package route

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// TestInvalidPlansAreRefused: as the first plan, the core plan is used instead; as a later
// one, the last good plan stays.
func TestInvalidPlansAreRefused(t *testing.T) {
	weighing := func(weight float64) sdk.Plan {
		p := planOf(sdk.RuleSmoothWRR, "a", "b")
		p.Groups[0].Members[0].Weight = weight
		return p
	}
	full := planOf(sdk.RuleOrder, "a")
	full.Groups[0].Members[0].MaxInFlight = -1
	heavy := planOf(sdk.RuleOrder, "a")
	heavy.State = make([]byte, 64<<10+1)
	twoTiers := planOf(sdk.RuleOrder, "a", "b")
	twoTiers.Groups = append(twoTiers.Groups, planOf(sdk.RuleOrder, "a").Groups...)
	for _, tt := range []struct {
		name string
		lie  sdk.Plan
		says string
	}{
		{"unknown channel", planOf(sdk.RuleOrder, "a", "z"), `unknown member "z"`},
		{"NaN", weighing(math.NaN()), "weight NaN"},
		{"negative", weighing(-0.5), "weight -0.5"},
		{"infinite", weighing(math.Inf(1)), "weight +Inf"},
		{"negatively infinite", weighing(math.Inf(-1)), "weight -Inf"},
		{"nothing", sdk.Plan{}, "none of the 2 candidates"},
		{"empty groups", planOf(sdk.RuleOrder), "none of the 2 candidates"},
		{"twice in a group", planOf(sdk.RuleOrder, "a", "a"), `member "a" is listed twice`},
		{"twice in two groups", twoTiers, `group 2: member "a" is listed twice`},
		{"unknown rule", planOf("vibes", "a"), `unknown rule "vibes"`},
		{"no rule", planOf("", "a"), "unknown rule"},
		{"negative limit", full, "max_in_flight -1"},
		{"too much state", heavy, "65537 bytes"},
	} {
		t.Run(tt.name+" at first", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := build(t, nil, map[string]sdk.Component{"x": always(tt.lie)}, routeTo("x", channels("a", "b")))
				if got := w.picks(4); got != "a b a b" {
					t.Errorf("picked %s, want in turn", got)
				}
				if info := w.table.Routes[0].Plan(); !info.Core {
					t.Errorf("plan %+v", info)
				}
				if n := w.noted(); len(n) == 0 || !strings.Contains(n[0], "core plan") || !strings.Contains(n[0], tt.says) || !strings.Contains(n[0], `strategy "x" of route "/v1/**"`) {
					t.Errorf("notices %q, want one with %q", n, tt.says)
				}
			})
		})
		t.Run(tt.name+" later", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &author{}
				a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
					if len(a.requests()) > 1 {
						return tt.lie, nil
					}
					return planOf(sdk.RuleOrder, "b", "a"), nil
				}
				w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
				for range 5 {
					after(time.Minute)
					if got := w.pick(w.walk("")); got != "b" {
						t.Errorf("picked %s, want b by the last good plan", got)
					}
				}
				synctest.Wait()
				if n := w.noted(); len(n) != 1 || !strings.Contains(n[0], tt.says) || !strings.Contains(n[0], "the plan is refused") {
					t.Errorf("notices %q, want one with %q", n, tt.says)
				}
			})
		})
	}
}

// TestHugeWeightsDoNotAffectLaterPlans: finite weights whose sum overflows are valid.
func TestHugeWeightsDoNotAffectLaterPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		weights := []float64{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			p := planOf(sdk.RuleSmoothWRR, "a", "b", "c")
			for i := range weights {
				p.Groups[0].Members[i].Weight = weights[i]
			}
			return p, nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b", "c")))
		if got := w.picks(6); got != "a b c a b c" {
			t.Errorf("picked %s", got)
		}
		w.picks(2)
		weights = []float64{1, 2, 3}
		after(time.Minute)
		w.pick(w.walk(""))
		synctest.Wait()
		counts := map[string]int{}
		for range 600 {
			counts[w.pick(w.walk(""))]++
		}
		for id, want := range map[string]int{"a": 100, "b": 200, "c": 300} {
			if n := counts[id]; n < want-3 || n > want+3 {
				t.Errorf("%s was picked %d times, want about %d", id, n, want)
			}
		}
	})
}

func TestTTLsAreClamped(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		-1: minTTL, 0: defaultTTL, 1: minTTL, time.Second: time.Second, math.MaxInt64: maxTTL,
	} {
		if got := clampTTL(ttl); got != want {
			t.Errorf("a TTL of %s is clamped to %s, want %s", ttl, got, want)
		}
	}
}
