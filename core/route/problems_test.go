package route

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

func (w *world) warnings() string {
	return strings.Join(w.table.Routes[0].Plan().Warnings, "\n")
}

// Attributes that a strategy may not see are shown before the first request.
func TestWithheldAttributesAreShown(t *testing.T) {
	p := planOf(sdk.RuleOrder, "a")
	p.Attributes = []string{"body.user", "header.x-session-id", "header.cookie"}
	g := newGuide(p, orders())
	for _, tt := range []struct {
		expose []string
		want   []string
	}{
		{nil, []string{`it asks for body.user, which is withheld`, `expose = ["body.user"]`, "header.cookie, which is withheld: it carries a credential"}},
		{[]string{"body.usr"}, []string{`(it allows only "body.usr")`}},
	} {
		r := routeTo("x", channels("a"))
		r.Strategy.Expose = tt.expose
		w := build(t, nil, map[string]sdk.Component{"x": g}, r)
		for _, want := range tt.want {
			if got := w.warnings(); !strings.Contains(got, want) {
				t.Errorf("expose = %q: %s\nis not in\n%s", tt.expose, want, got)
			}
		}
	}
	r := routeTo("x", channels("a"))
	r.Strategy.Expose = []string{"body.user"}
	w := build(t, nil, map[string]sdk.Component{"x": g}, r)
	if got := w.warnings(); strings.Contains(got, "body.user") {
		t.Errorf("what the block allows: %s", got)
	}
}

// A shadow sees the attributes that its own block allows.
func TestAShadowSeesWhatItsBlockAllows(t *testing.T) {
	p := planOf(sdk.RuleOrder, "a")
	p.Attributes = []string{"body.user"}
	g := newGuide(p, orders())
	r := routeTo("x", channels("a"))
	r.Strategy.Expose = []string{"body.user"}
	r.Shadows = []*config.Component{{Kind: sdk.KindStrategy, Ref: "g", Name: "g"}}
	ask := func() string {
		w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleOrder, "a")), "g": g}, r)
		_ = w.table.Routes[0].ExplainShadows(t.Context(), w.registry.Now(), Request{Body: []byte(`{"user": "u1"}`)})
		all := g.requests()
		return all[len(all)-1].Attributes["body.user"]
	}
	if got := ask(); got != "" {
		t.Errorf("the shadow saw %q, which only the block of the route's strategy allows", got)
	}
	r.Shadows[0].Expose = []string{"body.user"}
	if got := ask(); got != "u1" {
		t.Errorf("the shadow saw %q", got)
	}
}

// The error of a component that fails at each call is shown until it succeeds.
func TestAStrategyThatGivesNoPlanIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failure atomic.Pointer[error]
		fail := func(err error) { failure.Store(&err) }
		fail(nil)
		a := &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			return planOf(sdk.RuleOrder, "a"), *failure.Load()
		}}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a")))
		if got := w.warnings(); got != "" {
			t.Errorf("a strategy that works: %s", got)
		}
		request := func() {
			after(2 * maxRefresh)
			w.pick(w.walk(""))
			synctest.Wait()
		}
		fail(errors.New("the method panicked: mine.go:12"))
		request()
		if got := w.warnings(); !strings.Contains(got, "it gives no new plan, so the last one stays in use: the method panicked: mine.go:12") {
			t.Errorf("after a failure: %s", got)
		}
		fail(nil)
		request()
		if got := w.warnings(); got != "" {
			t.Errorf("after the next plan: %s", got)
		}
	})
}

func TestAStrategyThatNeverGaveAPlanIsShown(t *testing.T) {
	a := &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
		return sdk.Plan{}, errors.New("the method panicked")
	}}
	w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a")))
	if got := w.warnings(); !strings.Contains(got, "it gives no plan, so a core plan is used: the method panicked") {
		t.Error(got)
	}
}

func TestARouterThatFailsIsShown(t *testing.T) {
	var fails error
	g := newGuide(planOf(sdk.RuleOrder, "a"), func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) {
		return sdk.RouteReply{Order: []string{"unknown"}}, fails
	})
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a")))
	fails = context.DeadlineExceeded
	w.ask(Request{})
	if got := w.warnings(); got != "" {
		t.Errorf("a single answer that is late: %s", got)
	}
	fails = errDown
	w.ask(Request{})
	if got := w.warnings(); !strings.Contains(got, "it did not answer about the last request, so its plan decided: "+errDown.Error()) {
		t.Errorf("after a failure: %s", got)
	}
	for range routeFailures {
		w.ask(Request{})
	}
	if got := w.warnings(); !strings.Contains(got, "it did not answer about 5 requests in a row, so its plan decides: "+errDown.Error()) {
		t.Errorf("after five: %s", got)
	}
	fails = nil
	w = build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a")))
	w.ask(Request{})
	if got := w.warnings(); !strings.Contains(got, `it returned the channel "unknown", which is not in the route`) || strings.Contains(got, "answer about") {
		t.Errorf("a channel that the route does not have: %s", got)
	}
}

// A reason is shown also if the answer leaves the choice to the plan, and there is one if
// the answer has none.
func TestReasonsOfAnswers(t *testing.T) {
	for _, tt := range []struct {
		reply sdk.RouteReply
		want  string
	}{
		{sdk.RouteReply{Order: []string{"b"}, Reason: "as asked"}, "as asked"},
		{sdk.RouteReply{Order: []string{"b"}}, reasonRouted},
		{sdk.RouteReply{Reason: "no session"}, "the author's; no session"},
		{sdk.RouteReply{}, "the author's"},
	} {
		g := newGuide(planOf(sdk.RuleOrder, "b", "a"), func(context.Context, sdk.RouteRequest) (sdk.RouteReply, error) { return tt.reply, nil })
		w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", channels("a", "b")))
		if p, ok := w.ask(Request{}).Next(w.registry.Now()); !ok || nameOf(p) != "b" || p.Reason != tt.want {
			t.Errorf("%+v: %s because of %q, want %q", tt.reply, nameOf(p), p.Reason, tt.want)
		}
		if got, _, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{}); len(got) == 0 || got[0].Reason != tt.want {
			t.Errorf("explain of %+v: %+v", tt.reply, got)
		}
	}
}

// A router is not asked when its plan lets only fallback channels serve.
func TestARouterCannotOverrideThePlan(t *testing.T) {
	g := newGuide(sdk.Plan{None: &sdk.None{Reason: "the budget is spent", Fallbacks: true}}, orders("a"))
	all := channels("a", "b")
	all[1].Fallback = true
	w := build(t, nil, map[string]sdk.Component{"x": g}, routeTo("x", all))
	if got := w.pick(w.ask(Request{})); got != "b" {
		t.Errorf("the request goes to %s", got)
	}
	if got, _, err := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{}); err != nil || len(got) == 0 || got[0].Channel.id() != "b" {
		t.Errorf("explain: %+v, %v", got, err)
	}
}

// A long value is cut between two characters.
func TestLongValuesAreCutBetweenCharacters(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"short", "short"},
		{strings.Repeat("x", attribute.Max+1), strings.Repeat("x", attribute.Max)},
		{strings.Repeat("值", attribute.Max), strings.Repeat("值", attribute.Max/3)},
		{"x" + strings.Repeat("😀", attribute.Max), "x" + strings.Repeat("😀", attribute.Max/4-1)},
		{strings.Repeat("\xbf", attribute.Max+9), strings.Repeat("\xbf", attribute.Max)},
	} {
		got := attributes(&Request{Model: tt.value}, []string{"model"}, nil)["model"]
		if got != tt.want {
			t.Errorf("%d bytes of %d, valid: %v", len(got), len(tt.value), utf8.ValidString(got))
		}
	}
}

// A problem that is over is no longer shown, even without requests.
func TestAProblemEndsWithoutRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleOrder, "a")
		p.TTL = time.Second
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			if n := len(a.requests()); n == 2 || n == 3 {
				return sdk.Plan{}, errors.New("out of order")
			}
			return p, nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a")))
		after(2 * time.Second)
		w.pick(w.walk("")) // the only request, which makes the plugin fail
		synctest.Wait()
		if got := w.table.Routes[0].Plan().Warnings; len(got) != 1 {
			t.Fatalf("shown are %q", got)
		}
		after(time.Minute)
		if got := w.table.Routes[0].Plan().Warnings; len(got) > 0 {
			t.Errorf("a minute later: %q", got)
		}
		if n := len(a.requests()); n != 4 {
			t.Errorf("asked for %d plans, want 4", n)
		}
	})
}
