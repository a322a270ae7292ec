package strategies

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/aitunnel/aitunnel/sdk"
)

func build(t testing.TB, name, body string) (sdk.Strategy, error) {
	t.Helper()
	for _, f := range Components() {
		if f.Name == name {
			s := f.New().(sdk.Strategy)
			return s, s.Configure(t.Context(), sdk.Config{Body: json.RawMessage(body)})
		}
	}
	t.Fatalf("there is no strategy %q", name)
	return nil, nil
}

func planOf(t testing.TB, name, body string, channels ...sdk.Snapshot) sdk.Plan {
	t.Helper()
	s, err := build(t, name, body)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Plan(t.Context(), sdk.PlanRequest{Route: "/**", Channels: channels})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return p
}

// summary writes a plan's groups as "order: a=2 b=1 | order: c=1".
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
	main := []sdk.Snapshot{
		{ID: "a", Weight: 1, Available: true}, {ID: "b", Weight: 5}, {ID: "f", Weight: 9, Fallback: true},
		{ID: "c", Weight: 1, Available: true}, {ID: "z"}, {ID: "g", Weight: 10, Fallback: true},
	}
	for _, test := range []struct {
		strategy string
		channels []sdk.Snapshot
		want     string
	}{
		{"priority", main, "order: b=5 a=1 c=1 | order: z=0 | order: g=10 f=9"},
		{"round-robin", main, "cycle: a=1 b=5 c=1 | cycle: z=0 | cycle: f=9 g=10"},
		{"weighted", main, "smooth_wrr: a=1 b=5 c=1 | smooth_wrr: z=0 | smooth_wrr: f=9 g=10"},
		{"least-busy", main, "least_load: a=1 b=5 c=1 | least_load: z=0 | least_load: f=9 g=10"},
		{"sticky", main, "hash: a=1 b=5 c=1 | hash: z=0 | hash: f=9 g=10"},
		{"priority", main[2:3], "order: f=9"},
		{"round-robin", []sdk.Snapshot{{ID: "x"}, {ID: "y"}}, "cycle: x=0 y=0"},
		{"priority", []sdk.Snapshot{{ID: "x", Weight: 2}, {ID: "y", Weight: 2}, {ID: "w", Weight: 2}}, "order: x=2 y=2 w=2"},
	} {
		p := planOf(t, test.strategy, `{}`, test.channels...)
		if got := summary(p); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.strategy, got, test.want)
		}
		if p.TTL != time.Hour || !slices.Equal(p.InvalidateOn, []sdk.Change{sdk.ChangeMembership}) || p.Reason == "" {
			t.Errorf("%s: %+v", test.strategy, p)
		}
	}
}

// TestEveryPlanIsValid checks plans for 0, 1 and 1,000 channels of all kinds.
func TestEveryPlanIsValid(t *testing.T) {
	for _, f := range Components() {
		for _, n := range []int{0, 1, 2, 1000} {
			t.Run(fmt.Sprint(f.Name, "/", n), func(t *testing.T) {
				channels := make([]sdk.Snapshot, n)
				for i := range channels {
					channels[i] = sdk.Snapshot{
						ID: fmt.Sprint("c", i), Weight: float64(i % 4), Fallback: i%7 == 3, Available: i%5 != 0,
						TTFB: time.Duration(i%11) * time.Millisecond, ErrorRate: float64(i%3) / 2,
					}
				}
				before := slices.Clone(channels)
				p := planOf(t, f.Name, `{}`, channels...)
				if diff := cmp.Diff(before, channels); diff != "" {
					t.Errorf("the request was changed:\n%s", diff)
				}
				seen := map[string]bool{}
				for _, g := range p.Groups {
					if len(g.Members) == 0 {
						t.Error("an empty group")
					}
					for _, m := range g.Members {
						if seen[m.ID] {
							t.Errorf("%s is named twice", m.ID)
						}
						seen[m.ID] = true
						if !(m.Weight >= 0) || math.IsInf(m.Weight, 0) {
							t.Errorf("%s has weight %v", m.ID, m.Weight)
						}
					}
				}
				if len(seen) != n {
					t.Errorf("%d of %d channels are in the plan", len(seen), n)
				}
			})
		}
	}
}

func up(id string, ttfb time.Duration) sdk.Snapshot {
	return sdk.Snapshot{ID: id, Weight: 1, Available: true, TTFB: ttfb}
}

func TestLowestLatency(t *testing.T) {
	const ms = time.Millisecond
	failing := up("failing", 60*ms)
	failing.ErrorRate = 0.75
	out := up("out", 10*ms)
	out.Available = false
	spare := up("spare", 1*ms)
	spare.Fallback = true
	last := up("last", 1*ms)
	last.Weight = 0
	for _, test := range []struct {
		name     string
		settings string
		channels []sdk.Snapshot
		want     string
	}{
		{"no samples: in turn", `{}`, []sdk.Snapshot{up("a", 0), up("b", 0)}, "smooth_wrr: a=0.5 b=0.5"},
		{"one", `{}`, []sdk.Snapshot{up("a", 5*ms)}, "smooth_wrr: a=1"},
		{"the others by the square of their speed", `{}`, []sdk.Snapshot{up("slow", 200*ms), up("fast", 100*ms), up("slower", 400*ms)}, "smooth_wrr: fast=0.95 slow=0.04 slower=0.01"},
		{"no samples yet", `{"explore":0.1}`, []sdk.Snapshot{up("new", 0), up("fast", 100*ms), up("slow", 200*ms)}, "smooth_wrr: fast=0.9 slow=0.02 new=0.08"},
		{"nearly as fast", `{"tolerance":0.2}`, []sdk.Snapshot{up("a", 115*ms), up("b", 100*ms), up("c", 200*ms)}, "smooth_wrr: b=0.475 a=0.475 c=0.05"},
		{"no exploring", `{"explore":0}`, []sdk.Snapshot{up("new", 0), up("slow", 200*ms), up("fast", 100*ms)}, "smooth_wrr: fast=1 slow=0 new=0"},
		{"failures count as time", `{}`, []sdk.Snapshot{failing, up("steady", 120*ms)}, "smooth_wrr: steady=0.95 failing=0.05"},
		{"out of service", `{}`, []sdk.Snapshot{out, up("a", 100*ms), up("b", 200*ms)}, "smooth_wrr: a=0.95 b=0.05 out=0"},
		{"all out of service", `{}`, []sdk.Snapshot{out}, "smooth_wrr: out=1"},
		{"fallback and weight 0 come last", `{}`, []sdk.Snapshot{spare, last, up("a", 900*ms)}, "smooth_wrr: a=1 | smooth_wrr: last=1 | smooth_wrr: spare=1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := planOf(t, "lowest-latency", test.settings, test.channels...)
			if got := summary(p); got != test.want {
				t.Errorf("\n got %s\nwant %s", got, test.want)
			}
			if p.TTL != 2*time.Second {
				t.Errorf("ttl %s", p.TTL)
			}
		})
	}
	p := planOf(t, "lowest-latency", `{"ttl":"5s"}`, up("a", 120*ms), up("b", 0))
	if p.TTL != 5*time.Second || p.Reason != "a is the fastest: 120ms to the first byte" {
		t.Errorf("%s, %q", p.TTL, p.Reason)
	}
}

func TestStickyAttributes(t *testing.T) {
	want := []sdk.Group{{
		Rule:    sdk.Rule{Kind: sdk.RuleHash, Hash: []string{"query.u", "body.a.b"}},
		Members: []sdk.Member{{ID: "a", Weight: 3}},
	}}
	p := planOf(t, "sticky", `{"on":["query.u","body.a.b"]}`, sdk.Snapshot{ID: "a", Weight: 3})
	if diff := cmp.Diff(want, p.Groups); diff != "" {
		t.Error(diff)
	}
	p = planOf(t, "sticky", `{}`, sdk.Snapshot{ID: "a", Weight: 3})
	if on := p.Groups[0].Rule.Hash; !slices.Contains(on, "header.x-session-id") || !slices.Contains(on, "body.metadata.user_id") {
		t.Errorf("by default %q", on)
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ strategy, body, path string }{
		{"lowest-latency", `{"explore":0.6}`, "explore"},
		{"lowest-latency", `{"explore":-0.1}`, "explore"},
		{"lowest-latency", `{"tolerance":-1}`, "tolerance"},
		{"lowest-latency", `{"ttl":"0s"}`, "ttl"},
		{"sticky", `{"on":[]}`, "on"},
		{"sticky", `{"on":["header."]}`, "on"},
		{"sticky", `{"on":["x-session-id"]}`, "on"},
		{"sticky", `{"on":["cookie.a"]}`, "on"},
	} {
		_, err := build(t, test.strategy, test.body)
		var complaint *sdk.ConfigError
		if !errors.As(err, &complaint) || !slices.Equal(complaint.Path, []string{test.path}) || complaint.Hint == "" {
			t.Errorf("%s %s: %#v", test.strategy, test.body, err)
		}
	}
}

// TestDescribe finds errors in the tags, and settings without documentation.
func TestDescribe(t *testing.T) {
	d, err := sdk.Plugin{Name: "builtin", Version: "0.0.0", Components: Components()}.Describe()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range d.Components {
		names = append(names, c.Name)
		if c.Kind != sdk.KindStrategy || c.Doc == "" {
			t.Errorf("%s: %s, %q", c.Name, c.Kind, c.Doc)
		}
		for _, a := range c.Schema.Attributes {
			if a.Doc == "" || a.Required || a.Default == nil {
				t.Errorf("%s.%s: doc %q, default %s", c.Name, a.Name, a.Doc, a.Default)
			}
		}
	}
	want := []string{"priority", "round-robin", "weighted", "lowest-latency", "least-busy", "sticky"}
	if diff := cmp.Diff(want, names, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Error(diff)
	}
}
