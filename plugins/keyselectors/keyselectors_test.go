package keyselectors

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/aitunnel/aitunnel/sdk"
)

func planOf(t testing.TB, name string, req sdk.KeyPlanRequest) sdk.Plan {
	t.Helper()
	for _, f := range Components() {
		if f.Name != name {
			continue
		}
		s := f.New().(sdk.KeySelector)
		if err := s.Configure(t.Context(), sdk.Config{Body: json.RawMessage(`{}`)}); err != nil {
			t.Fatal(err)
		}
		p, err := s.PlanKeys(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return p
	}
	t.Fatalf("there is no key selector %q", name)
	return sdk.Plan{}
}

func summary(p sdk.Plan) string {
	var groups []string
	for _, g := range p.Groups {
		var members []string
		for _, m := range g.Members {
			members = append(members, fmt.Sprintf("%s=%.3g", m.ID, m.Weight))
		}
		groups = append(groups, fmt.Sprintf("%s: %s", g.Rule.Kind, strings.Join(members, " ")))
	}
	return strings.Join(groups, " | ")
}

func TestFixedPlans(t *testing.T) {
	keys := []sdk.Snapshot{{ID: "a", Weight: 1}, {ID: "z"}, {ID: "b", Weight: 3, Requests: 9}}
	for selector, want := range map[string]string{
		"round-robin": "cycle: a=1 b=1 | cycle: z=1",
		"random":      "weighted_random: a=1 b=1 | weighted_random: z=1",
		"weighted":    "smooth_wrr: a=1 b=3 | smooth_wrr: z=0",
		"sequential":  "order: a=1 b=1 | order: z=1",
	} {
		p := planOf(t, selector, sdk.KeyPlanRequest{Keys: keys})
		if got := summary(p); got != want {
			t.Errorf("%s:\n got %s\nwant %s", selector, got, want)
		}
		if p.TTL != time.Hour || !slices.Equal(p.InvalidateOn, []sdk.Change{sdk.ChangeMembership}) || p.Reason == "" {
			t.Errorf("%s: %+v", selector, p)
		}
	}
}

func key(id string, requests uint64) sdk.Snapshot {
	return sdk.Snapshot{ID: id, Weight: 1, Available: true, Requests: requests}
}

func TestLeastUsed(t *testing.T) {
	resting := key("resting", 0)
	resting.Available = false
	busy := key("busy", 10)
	busy.InFlight = 5
	spare := key("spare", 0)
	spare.Weight = 0
	for _, test := range []struct {
		name string
		keys []sdk.Snapshot
		came uint64 // since the last plan
		want string
	}{
		{"level", []sdk.Snapshot{key("a", 7), key("b", 7)}, 0, "smooth_wrr: a=0.5 b=0.5"},
		{"one has far fewer", []sdk.Snapshot{key("a", 100), key("b", 0), key("c", 100)}, 50, "smooth_wrr: b=1 a=0 c=0"},
		{"two have fewer", []sdk.Snapshot{key("a", 100), key("b", 10), key("c", 20)}, 20, "smooth_wrr: b=0.75 c=0.25 a=0"},
		{"enough requests to become equal", []sdk.Snapshot{key("a", 20), key("b", 10)}, 30, "smooth_wrr: b=0.667 a=0.333"},
		{"requests in flight count", []sdk.Snapshot{busy, key("b", 10)}, 5, "smooth_wrr: b=1 busy=0"},
		{"keys in a cooldown are ignored", []sdk.Snapshot{resting, key("a", 9), key("b", 9)}, 0, "smooth_wrr: a=0.5 b=0.5 resting=0"},
		{"all are cooling down", []sdk.Snapshot{resting}, 0, "smooth_wrr: resting=1"},
		{"weight 0", []sdk.Snapshot{spare, key("a", 9)}, 0, "smooth_wrr: a=1 | smooth_wrr: spare=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := planOf(t, "least-used", sdk.KeyPlanRequest{Keys: test.keys, Outcomes: []sdk.Outcome{{Successes: test.came}}})
			if got := summary(p); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestLeastUsedLevels runs the plans as the host would, with the credits of
// smooth_wrr kept from plan to plan and loads that change sevenfold: the counts
// end equal within a tenth of the 140 requests between two plans.
func TestLeastUsedLevels(t *testing.T) {
	keys := []sdk.Snapshot{key("a", 500), key("b", 0), key("c", 130), key("d", 0)}
	credit := map[string]float64{}
	var outcomes []sdk.Outcome
	for round := range 40 {
		p := planOf(t, "least-used", sdk.KeyPlanRequest{Keys: keys, Outcomes: outcomes})
		came := 20 + 60*(round%3)
		for range came {
			picked := smooth(p.Groups[0].Members, credit)
			i := slices.IndexFunc(keys, func(k sdk.Snapshot) bool { return k.ID == picked })
			keys[i].Requests++
		}
		outcomes = []sdk.Outcome{{Successes: uint64(came)}}
	}
	least, most := uint64(math.MaxUint64), uint64(0)
	for _, k := range keys {
		least, most = min(least, k.Requests), max(most, k.Requests)
	}
	if most-least > 14 {
		t.Errorf("the counts differ by %d: %+v", most-least, keys)
	}
}

func smooth(members []sdk.Member, credit map[string]float64) string {
	best, total := "", 0.0
	for _, m := range members {
		if m.Weight == 0 {
			continue
		}
		credit[m.ID] += m.Weight
		total += m.Weight
		if best == "" || credit[m.ID] > credit[best] {
			best = m.ID
		}
	}
	credit[best] -= total
	return best
}

// TestEveryPlanIsValid checks plans for 0, 1 and 1,000 keys of all kinds.
func TestEveryPlanIsValid(t *testing.T) {
	for _, f := range Components() {
		for _, n := range []int{0, 1, 2, 1000} {
			t.Run(fmt.Sprint(f.Name, "/", n), func(t *testing.T) {
				keys := make([]sdk.Snapshot, n)
				for i := range keys {
					keys[i] = sdk.Snapshot{ID: fmt.Sprint("k", i), Weight: float64(i % 4), Available: i%5 != 0, Requests: uint64(i * i % 97)}
				}
				before := slices.Clone(keys)
				p := planOf(t, f.Name, sdk.KeyPlanRequest{Keys: keys})
				if diff := cmp.Diff(before, keys); diff != "" {
					t.Errorf("the request was changed:\n%s", diff)
				}
				seen := map[string]bool{}
				for _, g := range p.Groups {
					if len(g.Members) == 0 {
						t.Error("an empty group")
					}
					for _, m := range g.Members {
						if seen[m.ID] || !(m.Weight >= 0) || math.IsInf(m.Weight, 0) {
							t.Errorf("member %+v", m)
						}
						seen[m.ID] = true
					}
				}
				if len(seen) != n {
					t.Errorf("%d of %d keys are in the plan", len(seen), n)
				}
			})
		}
	}
}

func TestDescribe(t *testing.T) {
	d, err := sdk.Plugin{Name: "builtin", Version: "0.0.0", Components: Components()}.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range d.Components {
		names = append(names, c.Name)
		if c.Kind != sdk.KindKeySelector || c.Doc == "" {
			t.Errorf("%s: %s, %q", c.Name, c.Kind, c.Doc)
		}
	}
	if want := []string{"round-robin", "random", "weighted", "sequential", "least-used"}; !slices.Equal(names, want) {
		t.Errorf("got %q", names)
	}
}
