package sdktest

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// Made is a channel or key that is simulated, by [Simulate].
type Made struct {
	Weight   float64       // 0 means 1; below 0 means 0
	Fallback bool          // of channels only
	Label    string        // of keys only: that of the key block
	Egress   string        // of channels only
	Price    float64       // of channels only: the price factor; 0 means 1
	TTFB     time.Duration // of every success
	Failing  float64       // share of its requests that fail, 0 to 1
}

// Simulation is a strategy or key selector at work on simulated channels or keys.
type Simulation struct {
	t         *testing.T
	kit       *kit
	rig       *rig
	settings  Settings
	component *host.Component
	world     *world
	plan      sdk.Plan
	planned   bool          // plan is one
	left      time.Duration // of the plan's TTL, by the clock of the test

	configured map[string]Made // by the last Set
}

// sameSettings reports whether a configuration makes no difference between the two.
func sameSettings(a, b Made) bool {
	b.TTFB, b.Failing = a.TTFB, a.Failing // these are the site's
	return a == b
}

// Simulate opens an instance, over the real wire, for work on simulated sites,
// by their names. A plan is asked for at the beginning of each [Simulation.Run];
// with [Clock], only if the TTL of the last one is over. The options are those of
// [Strategy].
func Simulate(t *testing.T, f sdk.Factory, settings Settings, made map[string]Made, options ...Option) *Simulation {
	t.Helper()
	k := newKit(t, f, options)
	s := &Simulation{t: t, kit: k, rig: k.serve(t), settings: settings}
	s.component = s.rig.open(settings)
	s.Set(made)
	return s
}

func newKit(t *testing.T, f sdk.Factory, options []Option) *kit {
	t.Helper()
	k := &kit{factory: f}
	for _, option := range options {
		option(k)
	}
	d, err := k.plugin().Describe()
	if err != nil {
		t.Fatal(err)
	}
	k.described = d.Components[0]
	return k
}

// Route asks a strategy that is an [sdk.RequestRouter] about one request, over the real
// wire, as the host does: after it has made a plan for the channels, and with those of the
// attributes that the plan names and [Expose] allows.
func Route(t *testing.T, f sdk.Factory, settings Settings, req sdk.RouteRequest, options ...Option) sdk.RouteReply {
	t.Helper()
	k := newKit(t, f, options)
	if !k.described.Router {
		t.Fatalf("%q is not a RequestRouter: it has no method Route", f.Name)
	}
	r := k.serve(t)
	c := r.open(settings)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	plan, err := c.Plan(ctx, sdk.PlanRequest{Route: req.Route, Channels: req.Channels})
	if err != nil {
		t.Fatalf("Plan fails: %v", err)
	}
	req.Attributes = k.passed(t, plan, req.Attributes)
	reply, err := c.Route(ctx, req)
	if err != nil {
		t.Fatalf("Route fails: %v", err)
	}
	return reply
}

// Observe tells a strategy that is an [sdk.Observer] how requests ended. Of their
// attributes it gets those that its last plan names and [Expose] allows; without a plan,
// one is asked for first, as the host does.
func (s *Simulation) Observe(results ...sdk.RequestResult) {
	s.t.Helper()
	s.ready()
	results = slices.Clone(results)
	for i := range results {
		results[i].Attributes = s.kit.passed(s.t, s.plan, results[i].Attributes)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.component.Observe(ctx, results); err != nil {
		s.t.Fatalf("Observe: %v", err)
	}
}

// Route asks a strategy that is an [sdk.RequestRouter] about one request: the instance
// that has observed what the simulation told it. Without Channels in the request, it is
// about those that are simulated. Attributes are passed on as [Simulation.Observe] does.
func (s *Simulation) Route(req sdk.RouteRequest) sdk.RouteReply {
	s.t.Helper()
	if !s.kit.described.Router {
		s.t.Fatalf("%q is not a RequestRouter: it has no method Route", s.kit.factory.Name)
	}
	s.ready()
	if req.Channels == nil {
		for _, m := range s.world.members {
			req.Channels = append(req.Channels, m.snapshot)
		}
	}
	req.Attributes = s.kit.passed(s.t, s.plan, req.Attributes)
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	reply, err := s.component.Route(ctx, req)
	if err != nil {
		s.t.Fatalf("Route fails: %v", err)
	}
	return reply
}

// ready makes the first plan of an instance, as the host does before anything else.
func (s *Simulation) ready() {
	s.t.Helper()
	if !s.planned {
		s.replan()
		s.left = 0 // the first Run still asks for a plan
	}
}

// Set changes what is simulated: members can come, go, fail and recover. If they, or their
// settings, are others than before, the next [Simulation.Run] asks for a plan, as aitunnel
// does after such a change of the configuration.
func (s *Simulation) Set(made map[string]Made) {
	old := s.world
	if s.configured != nil && !maps.EqualFunc(s.configured, made, sameSettings) {
		s.left = 0
	}
	s.configured = maps.Clone(made)
	s.world = &world{picker: newPicker()}
	if old != nil {
		s.world.picker = old.picker
	}
	for _, id := range slices.Sorted(maps.Keys(made)) {
		c := &member{snapshot: sdk.Snapshot{ID: id, Available: true, Health: sdk.HealthUp}}
		if old != nil {
			if i := slices.IndexFunc(old.members, func(m *member) bool { return m.snapshot.ID == id }); i >= 0 {
				c = old.members[i]
			}
		}
		c.set(made[id])
		s.world.members = append(s.world.members, c)
	}
}

// Run has a plan made and makes n requests by it; a request that fails goes on
// to the next member. It returns how many requests each member saw first, and
// the plan.
func (s *Simulation) Run(n int) (first map[string]int, plan sdk.Plan) {
	s.t.Helper()
	if s.kit.clock == nil || s.left <= 0 {
		s.replan()
	}
	return s.world.use(s.plan, n), s.plan
}

// Restart replaces the instance by a new one, which is handed the State of the
// last plan.
func (s *Simulation) Restart() {
	s.t.Helper()
	s.rig.close(s.component)
	s.component = s.rig.open(s.settings)
	s.left, s.planned = 0, false
}
