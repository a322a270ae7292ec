package route

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// author is a strategy and key selector whose plans are written by a test.
type author struct {
	plan func(context.Context, sdk.PlanRequest) (sdk.Plan, error)
	keys func(context.Context, sdk.KeyPlanRequest) (sdk.Plan, error)

	mu     sync.Mutex
	asked  []sdk.PlanRequest
	closed int
}

func (a *author) Configure(context.Context, sdk.Config) error { return nil }

func (a *author) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed++
	return nil
}

func (a *author) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	a.mu.Lock()
	a.asked = append(a.asked, req)
	a.mu.Unlock()
	return a.plan(ctx, req)
}

func (a *author) PlanKeys(ctx context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	return a.keys(ctx, req)
}

func (a *author) requests() []sdk.PlanRequest {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]sdk.PlanRequest(nil), a.asked...)
}

// planOf returns a plan of one group.
func planOf(rule sdk.RuleKind, ids ...string) sdk.Plan {
	g := sdk.Group{Rule: sdk.Rule{Kind: rule, Hash: []string{"header.x-session-id"}}}
	for _, id := range ids {
		g.Members = append(g.Members, sdk.Member{ID: id, Weight: 1})
	}
	return sdk.Plan{Groups: []sdk.Group{g}, Reason: "the author's"}
}

// always returns a strategy that gives the same plan each time.
func always(p sdk.Plan) *author {
	return &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) { return p, nil }}
}

// world is a table with what a test needs to inspect it.
type world struct {
	t        testing.TB
	registry *channel.Registry
	table    *Table

	mu      sync.Mutex
	notices []string
}

// channels makes one channel per word: "a", or "a:k1,k2" with keys.
func channels(words ...string) (all []*config.Channel) {
	for _, w := range words {
		name, keys, _ := strings.Cut(w, ":")
		c := &config.Channel{
			Name: name, Target: &url.URL{Scheme: "https", Host: name + ".example"}, Weight: 1,
			KeySelector: &config.Component{Kind: sdk.KindKeySelector, Ref: "sequential", Name: "sequential"},
		}
		for k := range strings.SplitSeq(keys, ",") {
			if k != "" {
				c.Keys = append(c.Keys, &config.Key{Value: config.NewSecret("secret-" + name + "-" + k), Label: k, Weight: 1})
			}
		}
		all = append(all, c)
	}
	return all
}

func routeTo(strategy string, all []*config.Channel) *config.Route {
	return &config.Route{
		Pattern: "/v1/**", Channels: all,
		Strategy: &config.Component{Kind: sdk.KindStrategy, Ref: strategy, Name: strategy},
	}
}

// build makes the table of the routes and their channels. Components in authored, by
// reference, take precedence over the built-in ones.
func build(t testing.TB, registry *channel.Registry, authored map[string]sdk.Component, routes ...*config.Route) *world {
	t.Helper()
	if registry == nil {
		registry = channel.NewRegistry(channel.Options{Seed: []byte("seed")})
	}
	w := &world{t: t, registry: registry}
	cfg := &config.Config{Routes: routes, Breaker: config.Breaker(channel.DefaultBreaker), Retry: config.Retry{MaxExtra: 0.2}}
	seen := map[*config.Channel]bool{}
	for _, r := range routes {
		for _, c := range r.Channels {
			if !seen[c] {
				seen[c] = true
				cfg.Channels = append(cfg.Channels, c)
			}
		}
	}
	table, err := Build(t.Context(), cfg, Options{
		Registry: registry,
		Open: func(_ context.Context, c *config.Component, _ Purpose) (sdk.Component, error) {
			if a, ok := authored[c.Ref]; ok {
				return a, nil
			}
			return builtin(c)
		},
		Notice: w.note,
	})
	if err != nil {
		t.Fatal(err)
	}
	table.Activate(cfg, registry)
	w.table = table
	t.Cleanup(table.Close)
	return w
}

// builtin returns a built-in component with its defaults.
func builtin(c *config.Component) (sdk.Component, error) {
	all := strategies.Components()
	if c.Kind == sdk.KindKeySelector {
		all = keyselectors.Components()
	}
	for _, f := range all {
		if f.Name == c.Name {
			return f.New(), nil
		}
	}
	return nil, errors.New("there is no " + c.Name)
}

func (w *world) note(message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices = append(w.notices, message)
}

func (w *world) noted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.notices...)
}

func (w *world) channel(name string) *Channel {
	for _, c := range w.table.Channels {
		if c.Config.Name == name {
			return c
		}
	}
	w.t.Fatalf("no channel %q", name)
	return nil
}

// session returns the header of a request with a session, "" for none.
func session(name string) http.Header {
	h := http.Header{}
	if name != "" {
		h.Set("X-Session-Id", name)
	}
	return h
}

// walk begins a request on the first route.
func (w *world) walk(model string) *Walk {
	var walk Walk
	walk.Begin(w.table.Routes[0], Request{Model: model, Header: session("")})
	return &walk
}

// pick makes a pick and releases it. It returns "channel" or "channel/key"; "" if there was
// no candidate.
func (w *world) pick(walk *Walk) string {
	p, ok := walk.Next(w.registry.Now())
	if !ok {
		return ""
	}
	release(p)
	return nameOf(p)
}

func release(p Pick) {
	p.Lease.Cancel()
	p.ReleaseKey()
}

func nameOf(p Pick) string {
	if p.Key == nil {
		return p.Channel.Config.Name
	}
	return p.Channel.Config.Name + "/" + p.Key.State.ID()
}

// picks returns the channels of n requests.
func (w *world) picks(n int) string {
	var names []string
	for range n {
		names = append(names, cmp.Or(w.pick(w.walk("")), "-"))
	}
	return strings.Join(names, " ")
}

// after lets the simulated time pass, and waits until all its effects have ended.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
