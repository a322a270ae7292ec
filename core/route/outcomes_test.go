package route

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// For a channel in two routes, a strategy gets the outcomes of all requests, and those of its
// own route.
func TestOutcomesOfOneRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plan := planOf(sdk.RuleOrder, "a", "b")
		plan.TTL = 10 * time.Second
		one, other := always(plan), always(plan)
		shared := channels("a", "b")
		second := routeTo("y", shared)
		second.Pattern = "/other/**"
		w := build(t, nil, map[string]sdk.Component{"x": one, "y": other}, []*config.Route{routeTo("x", shared), second}...)
		for route, successes := range []int{1, 3} {
			for range successes {
				var walk Walk
				walk.Begin(w.table.Routes[route], Request{Header: session("")})
				p, _ := walk.Next(w.registry.Now())
				p.Lease.Answered(w.registry.Now(), "", "")
				p.Lease.Succeed(w.registry.Now())
			}
		}
		after(11 * time.Second)
		w.pick(w.walk("")) // has the first route renew its plan
		synctest.Wait()
		got := one.requests()[1]
		if len(got.Outcomes) != 1 || got.Outcomes[0].Successes != 4 || len(got.RouteOutcomes) != 1 || got.RouteOutcomes[0].Successes != 1 {
			t.Errorf("in all %+v, of the route %+v", got.Outcomes, got.RouteOutcomes)
		}
	})
}
