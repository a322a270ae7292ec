package route

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// An exact plan is renewed at the end of its TTL without any request, and after a
// failure until it succeeds.
func TestExactPlansAreRenewedWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			n := len(a.requests())
			if n == 3 {
				return sdk.Plan{}, errDown
			}
			p := planOf(sdk.RuleOrder, "a", "b")
			p.TTL, p.TTLExact = time.Minute, n < 5
			return p, nil
		}
		build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		for want, wait := range []time.Duration{0, time.Minute, time.Minute} {
			after(wait + 5*time.Millisecond)
			if got := len(a.requests()); got != want+1 {
				t.Fatalf("asked for %d plans, want %d", got, want+1)
			}
		}
		after(time.Second) // the third failed
		if got := len(a.requests()); got != 4 {
			t.Fatalf("asked for %d plans after a failure, want 4", got)
		}
		after(time.Hour)
		if got := len(a.requests()); got != 5 {
			t.Errorf("asked for %d plans: the fifth was not exact", got)
		}
	})
}

// The plans of a strategy that routes each request are renewed nevertheless.
func TestPlansOfARouterAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleOrder, "a", "b")
		p.TTL = 10 * time.Second
		g := newGuide(p, orders("b", "a"))
		w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
		for range 3 {
			after(12 * time.Second)
			if got := w.pick(w.ask(Request{})); got != "b" {
				t.Errorf("picked %s", got)
			}
			synctest.Wait()
		}
		if got := len(g.author.requests()); got != 4 {
			t.Errorf("asked for %d plans, want 4", got)
		}
	})
}

func TestAPlanWithoutChannels(t *testing.T) {
	spent := sdk.Plan{None: &sdk.None{Reason: "the budget of today is spent"}}
	w := build(t, nil, map[string]sdk.Component{"x": always(spent)}, routeTo("x", channels("a", "b")))
	walk := w.walk("")
	if got := w.pick(walk); got != "" {
		t.Errorf("picked %s", got)
	}
	if reason, ok := walk.Refusal(); !ok || reason != "the budget of today is spent" {
		t.Errorf("refused %v because of %q", ok, reason)
	}
	if info := w.table.Routes[0].Plan(); info.Core || info.Reason != "the budget of today is spent" {
		t.Errorf("%+v", info)
	}
	w.channel("b").State.SetPreferred(true)
	if got := w.pick(w.walk("")); got != "b" {
		t.Errorf("picked %q: what the user prefers comes first", got)
	}

	spent.None.Fallbacks = true
	all := channels("a", "b", "c")
	all[2].Fallback = true
	w = build(t, nil, map[string]sdk.Component{"x": always(spent)}, routeTo("x", all))
	if got := w.picks(2); got != "c c" {
		t.Errorf("requests go to %s, want the fallback", got)
	}
}

func TestAnEmptyPlanIsStillRefused(t *testing.T) {
	for name, p := range map[string]sdk.Plan{
		"by mistake":        {},
		"None, with groups": {None: &sdk.None{}, Groups: planOf(sdk.RuleOrder, "a").Groups},
	} {
		if CheckPlan(p, []string{"a"}) == nil {
			t.Errorf("%s: the plan is taken", name)
		}
	}
}

func TestWarningsOfAPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleOrder, "a")
		p.TTL, p.Warnings = time.Second, []sdk.Warning{{Path: []string{"prices", "x"}, Message: "there is no channel x"}}
		w := build(t, nil, map[string]sdk.Component{"x": always(p)}, routeTo("x", channels("a")))
		for range 3 {
			after(5 * time.Second)
			w.pick(w.walk(""))
			synctest.Wait()
		}
		if n := w.noted(); len(n) != 1 || !strings.HasSuffix(n[0], "there is no channel x") {
			t.Errorf("notices %q, want one", n)
		}
		if got := w.table.Routes[0].Plan().Warnings; len(got) != 1 {
			t.Errorf("shown are %q", got)
		}
	})
}

func TestAnUnknownChannelInAnAnswerIsIgnored(t *testing.T) {
	g := newGuide(planOf(sdk.RuleOrder, "a", "b"), orders("unknown", "b", "b"))
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
	for range 3 {
		if got := w.pick(w.ask(Request{})); got != "b" {
			t.Errorf("picked %s", got)
		}
	}
	if n := w.noted(); len(n) != 1 || !strings.Contains(n[0], `"unknown"`) {
		t.Errorf("notices %q, want one", n)
	}
}

// watcher is a strategy that is an observer.
type watcher struct {
	*author
	got chan []sdk.RequestResult
}

func (w watcher) Observe(_ context.Context, results []sdk.RequestResult) error {
	w.got <- results
	return nil
}

func TestResultsArePassedOnInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleOrder, "a")
		p.Attributes = []string{"header.x-session-id", "body.user"}
		s := watcher{always(p), make(chan []sdk.RequestResult, 10)}
		w := build(t, nil, map[string]sdk.Component{"x": s}, routeTo("x", channels("a")))
		for range 3 {
			walk := w.ask(Request{Header: session("s1"), Body: []byte(`{"user":"u"}`)})
			walk.Observer()(sdk.RequestResult{Channel: "a", Status: 200})
		}
		after(2 * time.Second)
		select {
		case got := <-s.got:
			if len(got) != 3 || got[0].Route != "/v1/**" || got[0].Model != "m" || got[0].Channel != "a" || len(got[0].Attributes) != 1 || got[0].Attributes["header.x-session-id"] != "s1" {
				t.Errorf("%+v", got)
			}
		default:
			t.Fatal("nothing was passed on")
		}
		if len(s.got) > 0 {
			t.Error("passed on twice")
		}
	})
}

// A shadow that observes gets the results of the channels that the route's own strategy
// chose, with what its own block exposes.
func TestShadowsGetResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleOrder, "a")
		p.Attributes = []string{"header.x-session-id", "body.user", "body.secret"}
		s := watcher{always(p), make(chan []sdk.RequestResult, 10)}
		r := routeTo("x", channels("a"))
		r.Shadows = []*config.Component{{Kind: sdk.KindStrategy, Ref: "y", Name: "y", Expose: []string{"body.user"}}}
		w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleOrder, "a")), "y": s}, r)
		walk := w.ask(Request{Header: session("s1"), Body: []byte(`{"user":"u","secret":"s"}`)})
		walk.DropBody()
		walk.Observer()(sdk.RequestResult{Channel: "a", Status: 200})
		after(2 * time.Second)
		select {
		case got := <-s.got:
			want := map[string]string{"header.x-session-id": "s1", "body.user": "u"}
			if len(got) != 1 || got[0].Route != "/v1/**" || got[0].Channel != "a" || !maps.Equal(got[0].Attributes, want) {
				t.Errorf("%+v", got)
			}
		default:
			t.Fatal("nothing was passed on")
		}
	})
}

// Observers get the attributes that they asked for, although the body is released when the
// answer begins.
func TestResultsHaveAttributesOfTheBody(t *testing.T) {
	long := strings.Repeat("x", 2*attribute.Max)
	p := planOf(sdk.RuleOrder, "a")
	p.Attributes = []string{"header.x-session-id", "body.user", "body.messages.#.content", "body.secret"}
	observed := func(t *testing.T, routes, replanned bool) map[string]string {
		got := make(chan []sdk.RequestResult, 1)
		var s sdk.Component = watcher{always(p), got}
		if routes {
			s = struct {
				watcher
				sdk.RequestRouter
			}{watcher{always(p), got}, newGuide(p, orders("a"))}
		}
		r := routeTo("x", channels("a"))
		r.Strategy.Expose = []string{"body.user", "body.messages"}
		w := build(t, nil, map[string]sdk.Component{"x": s}, r)
		body := []byte(`{"user":"u","secret":"s","messages":[{"content":"` + long + `"}]}`)
		walk := w.ask(Request{Header: session("s1"), Body: body})
		walk.DropBody()
		if replanned {
			again := *w.table.Routes[0].planner.current.Load()
			w.table.Routes[0].planner.current.Store(&again)
		}
		clear(body)
		walk.Observer()(sdk.RequestResult{Channel: "a", Status: 200})
		after(2 * time.Second)
		return (<-got)[0].Attributes
	}
	want := map[string]string{"header.x-session-id": "s1", "body.user": "u", "body.messages.#.content": (`["` + long)[:attribute.Max]}
	for _, routes := range []bool{false, true} {
		for _, replanned := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				if got := observed(t, routes, replanned); !maps.Equal(got, want) {
					t.Errorf("routes %v, a new plan meanwhile %v: got %.80v, want %.80v", routes, replanned, got, want)
				}
			})
		}
	}
}

// Without attributes in the plan, results cost no allocation.
func TestResultsWithoutAttributesAreFree(t *testing.T) {
	w := build(t, nil, map[string]sdk.Component{"x": watcher{always(planOf(sdk.RuleOrder, "a")), nil}}, routeTo("x", channels("a")))
	walk := w.ask(Request{Body: []byte(`{"user":"u"}`)})
	walk.DropBody()
	if n := testing.AllocsPerRun(10, walk.DropBody); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestARouterIsAskedByExplain(t *testing.T) {
	g := newGuide(planOf(sdk.RuleOrder, "a", "b"), orders("b"))
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
	got, _, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
	if len(got) != 2 || got[0].Channel.id() != "b" || got[0].Reason != "as asked" {
		t.Errorf("%+v", got)
	}
	if info := w.table.Routes[0].Plan().Router; info.Answered != 0 {
		t.Error("an explanation is counted")
	}
}

// A shadow that routes each request is called, and no request waits for its answer.
func TestAShadowThatRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuide(planOf(sdk.RuleOrder, "a", "b"), func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
			time.Sleep(10 * time.Millisecond)
			return sdk.RouteReply{Order: []string{"b"}}, nil
		})
		r := routeTo("x", channels("a", "b"))
		r.Shadows = []*config.Component{{Kind: sdk.KindStrategy, Ref: "g", Name: "g"}}
		w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleCycle, "a", "b")), "g": g}, r)
		begun := time.Now()
		for range 4 {
			w.pick(w.ask(Request{}))
		}
		if took := time.Since(begun); took > 0 {
			t.Errorf("requests waited %s", took)
		}
		after(time.Second)
		s := w.table.Routes[0].Shadows()[0]
		if s.Picks != 4 || s.Agreed != 2 || s.Choices["b"] != 4 || s.Plan.Router.Answered != 4 {
			t.Errorf("%+v %+v", s, s.Plan.Router)
		}
		if got := w.table.Routes[0].ExplainShadows(t.Context(), w.registry.Now(), Request{}); got[0].Channel.id() != "b" {
			t.Errorf("%+v", got)
		}
	})
}
