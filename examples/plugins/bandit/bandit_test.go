package main

import (
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk/sdktest"
)

func TestConformance(t *testing.T) {
	sdktest.Strategy(t, bandit,
		sdktest.Accepts(sdktest.Settings{"explore": 0, "half_life": "1h"}),
		sdktest.Refuses(sdktest.Settings{"explore": 1.5}, "explore"),
		sdktest.Refuses(sdktest.Settings{"refresh": "0s"}, "refresh"))
}

const ms = time.Millisecond

// learn simulates requests for a while, and returns how many of the last ones each site got.
func learn(s *sdktest.Simulation) map[string]int {
	for range 20 {
		s.Run(20)
	}
	last, _ := s.Run(1000)
	return last
}

func TestTheFasterChannelIsPreferred(t *testing.T) {
	got := learn(sdktest.Simulate(t, bandit, nil, map[string]sdktest.Simulated{
		"fast": {TTFB: 100 * ms}, "slow": {TTFB: 300 * ms}, "slower": {TTFB: 900 * ms},
	}))
	if got["fast"] < 850 || got["slow"] < 30 || got["slower"] < 30 {
		t.Errorf("of 1000 requests: %v", got)
	}
}

func TestAReliableChannelIsPreferredToAFastOne(t *testing.T) {
	sites := map[string]sdktest.Simulated{"flaky": {TTFB: 50 * ms, Failing: 0.3}, "steady": {TTFB: 500 * ms}}
	if got := learn(sdktest.Simulate(t, bandit, nil, sites)); got["steady"] < 850 {
		t.Errorf("of 1000 requests: %v", got)
	}
	// If failures cost next to nothing, the fast one is the better.
	if got := learn(sdktest.Simulate(t, bandit, sdktest.Settings{"failure_cost": "1ms"}, sites)); got["flaky"] < 850 {
		t.Errorf("when failures cost nothing, of 1000 requests: %v", got)
	}
}

func TestChangesAreNoticed(t *testing.T) {
	s := sdktest.Simulate(t, bandit, nil, map[string]sdktest.Simulated{"a": {TTFB: 100 * ms}, "b": {TTFB: 200 * ms}})
	if got := learn(s); got["a"] < 850 {
		t.Fatalf("at first, of 1000 requests: %v", got)
	}
	s.Set(map[string]sdktest.Simulated{"a": {Failing: 1}, "b": {TTFB: 200 * ms}})
	if got := learn(s); got["b"] < 850 {
		t.Errorf("after a broke down, of 1000 requests: %v", got)
	}
}

func TestARestartLosesNothing(t *testing.T) {
	s := sdktest.Simulate(t, bandit, sdktest.Settings{"explore": 0}, map[string]sdktest.Simulated{"a": {TTFB: 100 * ms}, "b": {TTFB: 200 * ms}})
	learn(s)
	s.Restart()
	if got, p := s.Run(100); got["a"] != 100 {
		t.Errorf("of 100 requests: %v (%s)", got, p.Reason)
	}
}

func TestFallbacksAreNotUsed(t *testing.T) {
	got := learn(sdktest.Simulate(t, bandit, nil, map[string]sdktest.Simulated{
		"main": {TTFB: 900 * ms}, "spare": {TTFB: 10 * ms, Fallback: true},
	}))
	if got["main"] != 1000 {
		t.Errorf("of 1000 requests: %v", got)
	}
}
