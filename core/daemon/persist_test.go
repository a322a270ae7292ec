package daemon

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/route"
)

// TestOldStateFile loads the file of an earlier version, which identified plans by
// sentences, and saves it in the current format.
func TestOldStateFile(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile("testdata/state/sentences.json")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s := stateFile(dir)
	got, err := loadState(s)
	if err != nil {
		t.Fatal(err)
	}
	find := func(p route.Purpose) route.SavedPlanner {
		for _, r := range got.Planners {
			if r.Purpose == p {
				return r
			}
		}
		t.Errorf("nothing is remembered of %+v", p)
		return route.SavedPlanner{}
	}
	if r := find(route.Purpose{Kind: route.ForRoute, Name: "/v1/**", Models: "gpt-* claude-*"}); r.Credit["backup"] != 0.5 {
		t.Errorf("credits %v", r.Credit)
	}
	if r := find(route.Purpose{Kind: route.ForShadow, Name: "/v1/**", Models: "gpt-* claude-*", Component: "round-robin"}); strings.Join(r.Order, " ") != "backup primary" {
		t.Errorf("order of the shadow %v", r.Order)
	}
	if r := find(route.Purpose{Kind: route.ForRoute, Name: "/**"}); strings.Join(r.Order, " ") != "primary open" {
		t.Errorf("order of the route %v", r.Order)
	}
	if r := find(route.Purpose{Kind: route.ForKeys, Name: "primary", Target: "http://site.example"}); len(r.Order) != 5 {
		t.Errorf("order of keys %v", r.Order)
	}
	find(route.Purpose{Kind: route.ForChannel, Name: "backup", Target: "http://site.example/base"})

	clock := got.State.At // no time has passed
	registry := channel.NewRegistry(channel.Options{Now: func() time.Time { return clock }})
	registry.Restore(got.State)
	states := map[channel.Skip]int{}
	for _, c := range got.State.Channels {
		v := registry.Channel(c.Name, c.Target).View(clock)
		if v.Paused != (c.Name == "open") || v.Preferred != (c.Name == "backup") {
			t.Errorf("channel %s: %+v", c.Name, v)
		}
	}
	for _, c := range registry.Save().Channels {
		for _, k := range c.Keys {
			switch {
			case k.Invalid.Left > 0:
				states[channel.SkipInvalidKey]++
			case k.QuotaSpent.Left > 0:
				states[channel.SkipQuotaSpent]++
			case k.RateLimited.Left > 0:
				states[channel.SkipRateLimited]++
			}
		}
	}
	if states[channel.SkipInvalidKey] != 1 || states[channel.SkipQuotaSpent] != 1 || states[channel.SkipRateLimited] != 2 {
		t.Errorf("keys by state: %v", states)
	}

	if err := saveState(s, savedState{Version: stateVersion, State: got.State, Planners: got.Planners}); err != nil {
		t.Fatal(err)
	}
	content, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var again savedState
	if err := json.Unmarshal(content, &again); err != nil || again.Plans != nil || len(again.Planners) != len(got.Planners) {
		t.Errorf("saved %s, %v", content, err)
	}
}
