package route

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

func shadowed(all []*config.Channel, shadows ...string) *config.Route {
	r := routeTo("x", all)
	for _, ref := range shadows {
		r.Shadows = append(r.Shadows, &config.Component{Kind: sdk.KindStrategy, Ref: ref, Name: ref})
	}
	return r
}

// The choices of a shadow are counted, one for each request, and have no effect.
func TestShadowsAreCountedWithoutEffect(t *testing.T) {
	active := always(planOf(sdk.RuleCycle, "a", "b"))
	constant := always(planOf(sdk.RuleOrder, "b", "a"))
	turning := always(planOf(sdk.RuleCycle, "c", "a", "b"))
	authored := map[string]sdk.Component{"x": active, "constant": constant, "turning": turning}
	w := build(t, nil, authored, shadowed(channels("a", "b", "c"), "constant", "turning"))
	if got := w.picks(6); got != "a b a b a b" {
		t.Errorf("with shadows the requests go to %s", got)
	}
	walk := w.walk("")
	for range 2 { // a request that is tried again counts once
		p, _ := walk.Next(w.registry.Now())
		release(p)
		walk.FailChannel(p, time.Time{})
	}
	s := w.table.Routes[0].Shadows()
	if s[0].Ref != "constant" || s[0].Picks != 7 || s[0].Agreed != 3 || fmt.Sprint(s[0].Choices) != "map[a:0 b:7 c:0]" {
		t.Errorf("%+v", s[0])
	}
	if s[1].Picks != 7 || fmt.Sprint(s[1].Choices) != "map[a:2 b:2 c:3]" || s[1].Plan.Seq != 1 {
		t.Errorf("%+v", s[1])
	}
	got := w.table.Routes[0].ExplainShadows(t.Context(), w.registry.Now(), Request{Header: session("")})
	if len(got) != 2 || got[0].Channel.id() != "b" || got[1].Channel.id() != "a" {
		t.Errorf("%+v", got)
	}
	if again := w.table.Routes[0].Shadows(); again[1].Picks != 7 {
		t.Error("an explanation is counted")
	}
	if n := len(constant.requests()); n != 1 || constant.requests()[0].Route != "/v1/**" || len(constant.requests()[0].Channels) != 3 {
		t.Errorf("the shadow was asked for %d plans", n)
	}
}

// A shadow that gives no plan does not affect requests.
func TestAShadowThatFails(t *testing.T) {
	broken := &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) { return sdk.Plan{}, errDown }}
	lying := always(planOf(sdk.RuleOrder, "nobody"))
	w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleOrder, "b", "a")), "broken": broken, "lying": lying}, shadowed(channels("a", "b"), "broken", "lying"))
	if got := w.picks(4); got != "b b b b" {
		t.Errorf("the requests go to %s", got)
	}
	for _, s := range w.table.Routes[0].Shadows() {
		if !s.Plan.Core || s.Picks != 4 {
			t.Errorf("%+v", s)
		}
	}
}
