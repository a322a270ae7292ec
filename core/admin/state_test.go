package admin

import (
	"testing"
	"time"
)

// with returns keys in these states.
func withKeys(states ...string) (k Keys) {
	k.Total = len(states)
	for _, s := range states {
		if s == keyReady {
			k.Alive++
		}
		k.List = append(k.List, Key{State: s})
	}
	return k
}

// TestStateOfAChannel: each combination of the other fields has its state.
func TestStateOfAChannel(t *testing.T) {
	at := time.Now()
	used := Stats{TotalRequests: 40, LastRequestAt: &at}
	recent := func(requests, failures uint64) []Point { return []Point{{Requests: requests, Failures: failures}} }
	for _, c := range []struct {
		name   string
		facts  Channel
		state  State
		reason string
		gets   bool // requests
	}{
		{"never tried", Channel{Enabled: true}, StateUnknown, ReasonNeverTried, true},
		{"not tried at its new address", Channel{Enabled: true, Stats: Stats{TotalRequests: 40}}, StateUnknown, ReasonNeverTried, true},
		{"never tried, but checked", Channel{Enabled: true, Health: "up"}, StateReady, "", true},
		{"used", Channel{Enabled: true, Stats: used}, StateReady, "", true},
		{"one key of three out", Channel{Enabled: true, Stats: used, Keys: withKeys("ready", "ready", "rate_limited")}, StateReady, "", true},
		{"two keys of three out", Channel{Enabled: true, Stats: used, Keys: withKeys("ready", "invalid_key", "rate_limited")}, StateDegraded, ReasonKeysOut, true},
		{"all keys limited", Channel{Enabled: true, Stats: used, Keys: withKeys("rate_limited", "invalid_key")}, StateCoolingDown, ReasonNoKey, false},
		{"all keys invalid", Channel{Enabled: true, Stats: used, Keys: withKeys("invalid_key", "invalid_key")}, StateDown, ReasonNoKey, false},
		{"a key that an endpoint rejects", Channel{Enabled: true, Stats: used, Keys: Keys{Total: 2, List: []Key{{State: "invalid_key", InvalidFor: []string{"/v1/messages"}}, {State: "invalid_key"}}}}, StateDegraded, ReasonRejected, true},
		{"70 % success", Channel{Enabled: true, Stats: used, Recent: recent(20, 6)}, StateDegraded, ReasonFailing, true},
		{"70 % success of few", Channel{Enabled: true, Stats: used, Recent: recent(10, 3)}, StateReady, "", true},
		{"90 % success", Channel{Enabled: true, Stats: used, Recent: recent(20, 2)}, StateReady, "", true},
		{"breaker open", Channel{Enabled: true, Stats: used, Out: "breaker_open"}, StateCoolingDown, "breaker_open", false},
		{"breaker half-open", Channel{Enabled: true, Stats: used, Out: "breaker_probing"}, StateCoolingDown, "breaker_probing", false},
		{"check fails", Channel{Enabled: true, Health: "down", Out: "check_failed"}, StateDown, "check_failed", false},
		{"full", Channel{Enabled: true, Stats: used, Out: "full"}, StateDegraded, "full", true},
		{"at its limit", Channel{Enabled: true, Stats: used, Out: "at_limit"}, StateDegraded, "at_limit", true},
		{"paused", Channel{Stats: used, Out: "paused"}, StatePaused, "paused", false},
		{"paused with a failing check", Channel{Health: "down", Out: "check_failed"}, StatePaused, "paused", false},
	} {
		got := c.facts.Assessed()
		if got.State != c.state || got.StateReason != c.reason || got.Available() != c.gets {
			t.Errorf("%s: %s (%s), available %v", c.name, got.State, got.StateReason, got.Available())
		}
	}
}

// TestRejectingEndpoints: one, two or more.
func TestRejectingEndpoints(t *testing.T) {
	for want, endpoints := range map[string][]string{
		"/v1/messages rejects its keys":                                  {"/v1/messages"},
		"/v1/messages and /v1/responses reject its keys":                 {"/v1/responses", "/v1/messages"},
		"/v1/embeddings, /v1/messages and /v1/responses reject its keys": {"/v1/responses", "/v1/messages", "/v1/embeddings"},
	} {
		c := Channel{Enabled: true, Keys: Keys{Total: 1, List: []Key{{State: keyInvalid, InvalidFor: endpoints}}}}.Assessed()
		if got := c.Why(); got != want+"; other requests are still sent with them" {
			t.Errorf("%v: %q", endpoints, got)
		}
	}
}

func TestStateOfAllChannels(t *testing.T) {
	for _, c := range []struct {
		states []State
		want   State
	}{
		{nil, StateUnknown},
		{[]State{StateUnknown, StateUnknown}, StateUnknown},
		{[]State{StateReady, StateUnknown}, StateReady},
		{[]State{StateReady, StatePaused}, StateReady},
		{[]State{StateReady, StateDown}, StateDegraded},
		{[]State{StateReady, StateDegraded}, StateDegraded},
		{[]State{StateCoolingDown, StateDown}, StateDown},
		{[]State{StateDown, StatePaused}, StateDown},
		{[]State{StatePaused, StatePaused}, StatePaused},
	} {
		var all []Channel
		for _, s := range c.states {
			all = append(all, Channel{State: s})
		}
		if got := Summarize(all); got.State != c.want || got.Total != len(all) {
			t.Errorf("%v: %+v, want %s", c.states, got, c.want)
		}
	}
}
