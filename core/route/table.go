package route

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// Options of [Build].
type Options struct {
	Registry *channel.Registry

	// Open configures an instance of a component. The table closes what it
	// opened.
	Open func(ctx context.Context, c *config.Component, purpose Purpose) (sdk.Component, error)

	// Notice receives what the user should know about plans.
	Notice func(message string)

	// Recovered receives what works again; nil: Notice does.
	Recovered func(message string)

	// Previous is the table that this one replaces: planners that would be the same are
	// kept, others continue with the state of the previous ones.
	Previous *Table

	// Saved is the saved state of the planners of a previous run.
	Saved SavedPlanners
}

// Table has the routes and channels of one configuration, ready to choose from.
type Table struct {
	Routes   []*Route
	Channels []*Channel // all of them, in the order of the configuration

	singles  map[string]*Route
	opened   []sdk.Component
	planners map[Purpose]*planner
	closing  sync.Once
}

// Route is one route with its channels.
type Route struct {
	Config   *config.Route
	Channels []*Channel
	planner  *planner
	shadows  []*shadow
	registry *channel.Registry
	maxExtra float64 // retry.max_extra
	gate     probeGate
	counts   map[*Channel]*channel.Counters // of the attempts for this route; nil without a strategy
	gauges   []gauge
	limited  bool // the configuration limits some channel
}

// gauge shows whether a channel is available without a look at its state: all that the
// first pick of a request reads of most channels.
type gauge struct {
	channel.Gauge
	limited  bool // the configuration limits its requests
	anyModel bool
}

func (r *Route) makeGauges() {
	r.gauges, r.limited = make([]gauge, len(r.Channels)), false
	for i, ch := range r.Channels {
		r.gauges[i] = gauge{ch.State.Gauge(), ch.isLimited(), len(ch.Config.Models) == 0}
		r.limited = r.limited || r.gauges[i].limited
	}
}

// unrestricted reports whether no limit and no state of the channel prevents requests. The
// channel may still not serve a model.
func (g *gauge) unrestricted() bool { return !g.limited && g.Unrestricted() }

// Channel is a configured channel with its state.
type Channel struct {
	Config  *config.Channel
	State   *channel.State
	Keys    []*Key
	planner *planner // of the keys; nil without keys
}

// Key is a configured key with its state.
type Key struct {
	Config *config.Key
	State  *channel.Key
}

// Build makes the table of cfg: it opens every component and gets the first
// plans. If it fails, it closes what it opened.
func Build(ctx context.Context, cfg *config.Config, o Options) (*Table, error) {
	t := &Table{singles: map[string]*Route{}, planners: map[Purpose]*planner{}}
	channels := map[*config.Channel]*Channel{}
	var errs []error
	for _, c := range cfg.Channels {
		ch, err := t.channel(ctx, c, o)
		errs = append(errs, err)
		channels[c] = ch
		t.Channels = append(t.Channels, ch)
		t.singles[c.Name] = t.single(ch, cfg, o)
	}
	for _, c := range cfg.Routes {
		r := &Route{Config: c, registry: o.Registry, maxExtra: cfg.Retry.MaxExtra}
		for _, ch := range c.Channels {
			r.Channels = append(r.Channels, channels[ch])
		}
		r.makeGauges()
		errs = append(errs, t.route(ctx, r, o))
		t.Routes = append(t.Routes, r)
	}
	if err := errors.Join(errs...); err != nil {
		t.Close()
		return nil, err
	}
	if err := t.start(); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// startsAtOnce is how many first plans are requested at the same time.
const startsAtOnce = 16

func (t *Table) start() error {
	var starting errgroup.Group
	starting.SetLimit(startsAtOnce)
	for _, p := range t.planners {
		starting.Go(p.start)
	}
	return starting.Wait()
}

func (t *Table) channel(ctx context.Context, c *config.Channel, o Options) (*Channel, error) {
	ch := &Channel{Config: c, State: o.Registry.Channel(c.Name, c.Target.String())}
	candidates := []candidate{}
	before := o.Previous.channelWith(ch.State)
	for i, k := range c.Keys {
		key := &Key{Config: k, State: before.keyState(i, k.Value)}
		if key.State == nil {
			key.State = ch.State.Key(k.Value.Plaintext())
		}
		ch.Keys = append(ch.Keys, key)
		candidates = append(candidates, key)
	}
	if len(ch.Keys) == 0 {
		return ch, nil
	}
	purpose := Purpose{Kind: ForKeys, Name: c.Name, Target: c.Target.String()}
	selector, err := open[sdk.KeySelector](ctx, t, o, c.KeySelector, purpose)
	if err != nil {
		return ch, err
	}
	ask := func(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
		return selector.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: c.Name, Keys: req.Channels, Outcomes: req.Outcomes, State: req.State})
	}
	ch.planner = t.plan(subject{
		purpose: purpose, name: fmt.Sprintf("key selector %q of channel %q", c.KeySelector.Ref, c.Name), component: selector, ask: ask, candidates: candidates,
		onFailure: c.KeySelector.OnFailure, block: c.KeySelector,
	}, o)
	return ch, nil
}

func (t *Table) route(ctx context.Context, r *Route, o Options) error {
	purpose := Purpose{Kind: ForRoute, Name: r.Config.Pattern, Models: strings.Join(r.Config.Models, " ")}
	strategy, err := open[sdk.Strategy](ctx, t, o, r.Config.Strategy, purpose)
	if err != nil {
		return err
	}
	candidates := []candidate{}
	for _, ch := range r.Channels {
		candidates = append(candidates, ch)
	}
	r.countOwn(purpose.String())
	name := fmt.Sprintf("strategy %q of route %q", r.Config.Strategy.Ref, r.Config.Pattern)
	r.planner = t.plan(subject{
		purpose: purpose, name: name, component: strategy, ask: askOf(strategy, r), candidates: candidates, own: r.own, block: r.Config.Strategy,
		onFailure: r.Config.Strategy.OnFailure,
		router:    newRouter(strategy, r.Config.Pattern, name, o.Notice), observer: newObserver(strategy, name, o.Notice),
	}, o)
	return t.shadows(ctx, r, candidates, o)
}

// askOf asks a strategy for plans of a route.
func askOf(s sdk.Strategy, r *Route) askFunc {
	return func(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
		req.Route = r.Config.Pattern
		return s.Plan(ctx, req)
	}
}

// countOwn makes the route count the attempts that are made for it.
func (r *Route) countOwn(name string) {
	r.counts = make(map[*Channel]*channel.Counters, len(r.Channels))
	for _, ch := range r.Channels {
		r.counts[ch] = ch.State.RouteCounters(name)
	}
}

// own returns what was counted for the route at a channel.
func (r *Route) own(index int) channel.Counters {
	ch := r.Channels[index]
	return ch.State.Read(r.counts[ch])
}

// single returns a route of one channel, without a strategy.
func (t *Table) single(ch *Channel, cfg *config.Config, o Options) *Route {
	r := &Route{Config: &config.Route{Pattern: "/**", Channels: []*config.Channel{ch.Config}}, Channels: []*Channel{ch}, registry: o.Registry, maxExtra: cfg.Retry.MaxExtra}
	r.makeGauges()
	ask := func(_ context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
		return corePlan(req.Channels, config.OnFailureRoundRobin, "the only channel"), nil
	}
	r.planner = t.plan(subject{
		purpose: Purpose{Kind: ForChannel, Name: ch.Config.Name, Target: ch.Config.Target.String()}, name: fmt.Sprintf("channel %q alone", ch.Config.Name), ask: ask, candidates: []candidate{ch},
	}, o)
	return r
}

func open[T sdk.Component](ctx context.Context, t *Table, o Options, c *config.Component, purpose Purpose) (T, error) {
	var none T
	opened, err := o.Open(ctx, c, purpose)
	if err != nil {
		return none, err
	}
	t.opened = append(t.opened, opened)
	want, ok := opened.(T)
	if !ok {
		return none, fmt.Errorf("%s: %q is not a %s", purpose.Instance(), c.Ref, c.Kind)
	}
	return want, nil
}

// Activate applies the settings of channels and keys to their state. Until
// then, the table does not affect anything in use.
func (t *Table) Activate(cfg *config.Config, registry *channel.Registry) {
	used := map[*channel.State][]*channel.Key{}
	for _, ch := range t.Channels {
		ch.State.Configure(channel.BreakerLimits(cfg.Breaker), ch.Config.Disabled)
		used[ch.State] = nil
		for _, k := range ch.Keys {
			k.State.SetLabel(k.Config.Label)
			used[ch.State] = append(used[ch.State], k.State)
		}
		ch.configureLimits(registry.Now())
	}
	registry.Retain(used)
}

// Close stops the planners and closes the components. Picks still work, with the last
// plans.
func (t *Table) Close() {
	t.closing.Do(func() {
		for _, p := range t.planners {
			p.close()
		}
		for _, c := range t.opened {
			_ = c.Close() // fails if its process ended, which does not matter
		}
	})
}

// Match returns the first route for the path and model, nil if there is none. A
// request without a model is matched by its path alone.
func (t *Table) Match(path, model string) *Route {
	for _, r := range t.Routes {
		if config.MatchPath(r.Config.Pattern, path) && serves(r.Config.Models, model) {
			return r
		}
	}
	return nil
}

// Single returns the route of the named channel alone, nil if there is none.
func (t *Table) Single(name string) *Route { return t.singles[name] }

// serves reports whether a list of model patterns matches the model.
func serves(patterns []string, model string) bool {
	if len(patterns) == 0 || model == "" {
		return true
	}
	for _, p := range patterns {
		if config.MatchModel(p, model) {
			return true
		}
	}
	return false
}

func (c *Channel) id() string { return c.Config.Name }

func (c *Channel) snapshot(now time.Time) sdk.Snapshot {
	s := c.State.Snapshot(now)
	s.Weight, s.Fallback = c.Config.Weight, c.Config.Fallback
	s.LimitUsed = c.limitUsed(now)
	s.Egress, s.PriceFactor = c.egress(now), c.Config.PriceFactor
	return s
}

// egress returns the first of the channel's egresses by which the site can be reached now;
// the first if there is none.
func (c *Channel) egress(now time.Time) string {
	for _, e := range c.Config.Egress {
		if c.State.EgressUntil(now, e.Name).IsZero() {
			return e.Name
		}
	}
	if len(c.Config.Egress) > 0 {
		return c.Config.Egress[0].Name
	}
	return ""
}

func (c *Channel) counters() channel.Counters { return c.State.Counters() }

// ID returns the name of the key in logs and for plugins.
func (k *Key) ID() string { return k.id() }

func (k *Key) id() string { return k.State.IDWith(k.Config.Label) }

func (k *Key) snapshot(now time.Time) sdk.Snapshot {
	s := k.State.Snapshot(now)
	s.ID, s.Label, s.Weight = k.id(), k.Config.Label, k.Config.Weight
	s.LimitUsed = k.State.Limiter().Usage(now).Share()
	return s
}

func (k *Key) counters() channel.Counters { return k.State.Counters() }

// Includes reports whether the route may send requests to the channel.
func (r *Route) Includes(ch *Channel) bool { return slices.Contains(r.Channels, ch) }
