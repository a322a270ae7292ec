package main

import (
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

var prices = sdktest.Settings{"prices": map[string]float64{"a": 3, "b": 0.5}}

func TestConformance(t *testing.T) {
	sdktest.Strategy(t, cheapest,
		sdktest.With(sdktest.Settings{"prices": map[string]float64{}}),
		sdktest.Accepts(sdktest.Settings{"budget": 10}),
		sdktest.Refuses(sdktest.Settings{"budget": -1}, "budget"),
		sdktest.Refuses(sdktest.Settings{"prices": map[string]float64{"a": -1}}, "prices", "a"))
}

func TestTheCheapestComesFirst(t *testing.T) {
	s := sdktest.Simulate(t, cheapest, prices, map[string]sdktest.Simulated{"a": {}, "b": {}, "c": {}})
	first, plan := s.Run(100)
	if first["b"] != 100 {
		t.Errorf("%v", first)
	}
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0].Message, `"c" has no price`) {
		t.Errorf("%+v", plan.Warnings)
	}
}

// What was spent is kept across a restart of the plugin.
func TestABudgetIsSpent(t *testing.T) {
	settings := sdktest.Settings{"prices": prices["prices"], "budget": 1}
	s := sdktest.Simulate(t, cheapest, settings, map[string]sdktest.Simulated{"b": {}, "last": {Fallback: true}})
	s.Observe(sdk.RequestResult{Channel: "b", Status: 200, TokensIn: 1_500_000, TokensOut: 600_000})
	if _, plan := s.Run(0); plan.None == nil || !plan.None.Fallbacks {
		t.Fatalf("%+v", plan)
	}
	s.Restart()
	if _, plan := s.Run(0); plan.None == nil {
		t.Errorf("the budget is forgotten in a restart: %+v", plan)
	}
}

// At midnight, UTC, there is a new budget, even without requests.
func TestANewDay(t *testing.T) {
	late := time.Date(2026, 11, 26, 23, 59, 57, 0, time.UTC)
	clock := sdktest.Clock(late, func(c sdk.Component, now func() time.Time) { c.(*strategy).now = now })
	settings := sdktest.Settings{"prices": prices["prices"], "budget": 1}
	s := sdktest.Simulate(t, cheapest, settings, map[string]sdktest.Simulated{"b": {}}, clock)
	s.Observe(sdk.RequestResult{Channel: "b", Status: 200, TokensOut: 2_000_000})
	if _, plan := s.Run(0); plan.None == nil {
		t.Fatalf("the budget is spent, but %+v", plan)
	}
	s.Advance(3 * time.Second)
	if first, plan := s.Run(1); first["b"] != 1 {
		t.Errorf("on the next day: %+v", plan)
	}
}

func TestASessionStays(t *testing.T) {
	s := &strategy{settings: defaults, now: time.Now}
	at := map[string]string{"header.x-session-id": "s"}
	req := sdk.RouteRequest{Attributes: at, Channels: []sdk.Snapshot{{ID: "a", Available: true}, {ID: "b", Available: true}}}
	if got, _ := s.Route(t.Context(), req); len(got.Order) > 0 {
		t.Errorf("before its first request: %+v", got)
	}
	_ = s.Observe(t.Context(), []sdk.RequestResult{{Channel: "b", Status: 200, Attributes: at}, {Channel: "a", Status: 500, Attributes: at}})
	if got, _ := s.Route(t.Context(), req); len(got.Order) != 1 || got.Order[0] != "b" {
		t.Errorf("%+v", got)
	}
	req.Channels[1].Fallback = true
	if got, _ := s.Route(t.Context(), req); len(got.Order) > 0 {
		t.Errorf("the session stays on a fallback: %+v", got)
	}
	req.Channels[1] = sdk.Snapshot{ID: "b"}
	if got, _ := s.Route(t.Context(), req); len(got.Order) > 0 {
		t.Errorf("the session stays on an unavailable channel: %+v", got)
	}
}
