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

// Simulated is a simulated channel or key; see [Simulate].
type Simulated struct {
	Weight   float64       // 0 means 1; a negative value means 0
	Fallback bool          // channels only
	Label    string        // keys only: the label of the key block
	Egress   string        // channels only
	Price    float64       // channels only: the price factor; 0 means 1
	TTFB     time.Duration // time to the first byte of every success
	Failing  float64       // share of the requests that fail, 0 to 1
}

// Made is the old name of [Simulated].
//
// Deprecated: use Simulated.
type Made = Simulated

// Simulation is a strategy or key selector whose plans are applied to simulated channels or
// keys.
type Simulation struct {
	t         *testing.T
	kit       *kit
	rig       *rig
	settings  Settings
	component *host.Component
	world     *world
	plan      sdk.Plan
	planned   bool          // there is a plan
	left      time.Duration // of the plan's TTL, by the clock of the test

	configured map[string]Simulated // by the last Set
}

// sameSettings reports whether the two have the same settings in the configuration.
func sameSettings(a, b Simulated) bool {
	b.TTFB, b.Failing = a.TTFB, a.Failing // not settings
	return a == b
}

// Simulate opens an instance over the real wire, with simulated channels or keys, by name or
// ID. Each [Simulation.Run] asks it for a plan; with [Clock], only if the TTL of the last
// one is over. The options are those of [Strategy].
func Simulate(t *testing.T, f sdk.Factory, settings Settings, members map[string]Simulated, options ...Option) *Simulation {
	t.Helper()
	k := newKit(t, f, options)
	s := &Simulation{t: t, kit: k, rig: k.serve(t), settings: settings}
	s.component = s.rig.open(settings)
	s.Set(members)
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

// Route calls Route of a strategy that is an [sdk.RequestRouter] for one request, over the
// real wire, as the host does: after a first plan for the channels, and with only the
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

// Observe calls Observe of a strategy that is an [sdk.Observer] with the results of
// requests. It passes on only the attributes that the last plan names and [Expose] allows;
// if there is no plan yet, it asks for one first, as the host does.
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

// Route calls Route of a strategy that is an [sdk.RequestRouter] for one request, on the
// instance that [Simulation.Observe] calls. If the request has no Channels, they are the
// simulated ones. Attributes are passed on as by [Simulation.Observe].
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

// ready asks for the first plan of an instance, as the host does before anything else.
func (s *Simulation) ready() {
	s.t.Helper()
	if !s.planned {
		s.replan()
		s.left = 0 // the first Run still asks for a plan
	}
}

// Set replaces the simulated channels or keys: they can be added, removed, fail and recover.
// If the change would be one of the configuration, the next [Simulation.Run] asks for a new
// plan, as aitunnel does.
func (s *Simulation) Set(members map[string]Simulated) {
	old := s.world
	if s.configured != nil && !maps.EqualFunc(s.configured, members, sameSettings) {
		s.left = 0
	}
	s.configured = maps.Clone(members)
	s.world = &world{picker: newPicker()}
	if old != nil {
		s.world.picker = old.picker
	}
	for _, id := range slices.Sorted(maps.Keys(members)) {
		c := &member{snapshot: sdk.Snapshot{ID: id, Available: true, Health: sdk.HealthUp}}
		if old != nil {
			if i := slices.IndexFunc(old.members, func(m *member) bool { return m.snapshot.ID == id }); i >= 0 {
				c = old.members[i]
			}
		}
		c.set(members[id])
		s.world.members = append(s.world.members, c)
	}
}

// Run asks for a plan and simulates n requests with it; a request that fails is retried on
// the next member. It returns how many requests each member got as the first, and the plan.
func (s *Simulation) Run(n int) (first map[string]int, plan sdk.Plan) {
	s.t.Helper()
	if s.kit.clock == nil || s.left <= 0 {
		s.replan()
	}
	return s.world.use(s.plan, n), s.plan
}

// Restart replaces the instance with a new one, which gets the State of the last plan.
func (s *Simulation) Restart() {
	s.t.Helper()
	s.rig.close(s.component)
	s.component = s.rig.open(s.settings)
	s.left, s.planned = 0, false
}
