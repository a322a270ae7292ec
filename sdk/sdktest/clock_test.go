package sdktest_test

import (
	"context"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

// byHour is a key selector that prefers the key "night" before 8 o'clock.
type byHour struct{ now func() time.Time }

func (*byHour) Configure(context.Context, sdk.Config) error { return nil }
func (*byHour) Close() error                                { return nil }
func (b *byHour) PlanKeys(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	now := b.now()
	first, second := sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleSmoothWRR}}, sdk.Group{Rule: sdk.Rule{Kind: sdk.RuleSmoothWRR}}
	for _, k := range req.Keys {
		m := sdk.Member{ID: k.ID, Weight: k.Weight}
		if (k.Label == "night") == (now.Hour() < 8) {
			first.Members = append(first.Members, m)
		} else {
			second.Members = append(second.Members, m)
		}
	}
	plan := sdk.Plan{TTL: now.Truncate(time.Hour).Add(time.Hour).Sub(now), TTLExact: true, Reason: now.Format("15:04")}
	for _, g := range []sdk.Group{first, second} {
		if len(g.Members) > 0 {
			plan.Groups = append(plan.Groups, g)
		}
	}
	return plan, nil
}

var byHourFactory = sdk.Factory{Name: "by-hour", Doc: "Prefers one key at night.", New: func() sdk.Component { return &byHour{now: time.Now} }}

func clockAt(hour, minute int) sdktest.Option {
	return sdktest.Clock(time.Date(2026, 11, 27, hour, minute, 0, 0, time.UTC), func(c sdk.Component, now func() time.Time) { c.(*byHour).now = now })
}

func TestSimulationWithAClock(t *testing.T) {
	s := sdktest.Simulate(t, byHourFactory, nil, map[string]sdktest.Simulated{"day": {}, "night": {Label: "night"}}, clockAt(7, 30))
	served := func(key, reason string) {
		t.Helper()
		if first, plan := s.Run(10); first[key] != 10 || plan.Reason != reason {
			t.Errorf("%v by the plan of %s, want %s by that of %s", first, plan.Reason, key, reason)
		}
	}
	served("night", "07:30")
	s.Advance(29 * time.Minute)
	served("night", "07:30")
	s.Advance(time.Minute)
	served("day", "08:00")
	s.Advance(16*time.Hour + 5*time.Minute)
	served("night", "00:00")
	s.Restart()
	served("night", "00:05")
}

// A member that is removed or added causes a new plan, although the TTL is not over.
func TestMembersChangeDuringATTL(t *testing.T) {
	s := sdktest.Simulate(t, byHourFactory, nil, map[string]sdktest.Simulated{"day": {}, "night": {Label: "night"}}, clockAt(7, 30))
	s.Run(10)
	s.Advance(time.Minute)
	s.Set(map[string]sdktest.Simulated{"day": {}})
	if first, plan := s.Run(10); first["day"] != 10 || plan.Reason != "07:31" {
		t.Errorf("without night: %v by the plan of %s", first, plan.Reason)
	}
	s.Advance(time.Minute)
	s.Set(map[string]sdktest.Simulated{"day": {Failing: 0.5}})
	if _, plan := s.Run(10); plan.Reason != "07:31" {
		t.Errorf("a site that fails sometimes is not another member, but the plan is that of %s", plan.Reason)
	}
	s.Set(map[string]sdktest.Simulated{"day": {}, "night": {Label: "night"}})
	s.Advance(time.Minute)
	if first, plan := s.Run(10); first["night"] != 10 || plan.Reason != "07:32" {
		t.Errorf("with night again: %v by the plan of %s", first, plan.Reason)
	}
}

// The kit also checks a component with the clock of a test.
func TestConformanceWithAClock(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	sdktest.KeySelector(t, byHourFactory, clockAt(7, 30))
}
