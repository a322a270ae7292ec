package channel

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// TestCooldownsSurviveARestart: also if the clock was set in between.
func TestCooldownsSurviveARestart(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		later, left time.Duration
	}{
		"at once":                   {0, 10 * time.Minute},
		"four minutes later":        {4 * time.Minute, 6 * time.Minute},
		"when it is over":           {11 * time.Minute, 0},
		"the clock set back":        {-time.Hour, 10 * time.Minute},
		"the clock an hour forward": {time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			old := NewRegistry(Options{Now: func() time.Time { return begin }, Seed: []byte("seed")})
			key := old.Channel("a", "https://a.example").Key("secret-key-1")
			key.Limit(begin, "", 10*time.Minute, "too many")
			key.Limit(begin, "big-model", 10*time.Minute, "too many")
			raw, err := json.Marshal(old.Save())
			if err != nil {
				t.Fatal(err)
			}
			var saved Saved
			if err := json.Unmarshal(raw, &saved); err != nil {
				t.Fatal(err)
			}
			now := begin.Add(tt.later)
			next := NewRegistry(Options{Now: func() time.Time { return now }, Seed: []byte("seed")})
			next.Restore(saved)
			back := next.Channel("a", "https://a.example").Key("secret-key-1")
			skip, until := back.Skip(now, "", "")
			if tt.left == 0 && skip != "" || tt.left > 0 && (skip != SkipRateLimited || until.Sub(now) != tt.left) {
				t.Errorf("%q until %s from now, want %s", skip, until.Sub(now), tt.left)
			}
			if c := back.Counters(); c.Failures != 2 {
				t.Errorf("%d failures", c.Failures)
			}
			if again := next.Channel("a", "https://other.example").Key("secret-key-1"); again.Counters().Requests != 0 {
				t.Error("another target has the state of this one")
			}
		})
	}
}

func TestRemovedStateIsKeptForADay(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := NewRegistry(Options{Now: func() time.Time { return now }, Seed: []byte("seed")})
	a := r.Channel("a", "https://a.example")
	k1, k2 := a.Key("secret-key-1"), a.Key("secret-key-2")
	k1.Invalidate(now, "", 0, "wrong")
	r.Retain(map[*State][]*Key{a: {k1, k2}})
	r.Retain(map[*State][]*Key{a: {k2}})
	if !k1.Removed() || k2.Removed() || a.Removed() {
		t.Error("only the first key counts as removed")
	}
	now = now.Add(removedTTL - time.Minute)
	r.Retain(map[*State][]*Key{a: {k2}})
	if a.Key("secret-key-1") != k1 {
		t.Error("its state is deleted too early")
	}
	r.Retain(nil)
	now = now.Add(2 * time.Minute)
	r.Retain(nil)
	if a.Key("secret-key-1") == k1 {
		t.Error("the state of the key is kept for too long")
	}
	if r.Channel("a", "https://a.example") != a {
		t.Error("the state of the channel is deleted too early")
	}
	now = now.Add(removedTTL)
	r.Retain(nil)
	if r.Channel("a", "https://a.example") == a {
		t.Error("the state of the channel is kept for too long")
	}
}

// TestCountsOfAnotherProcessAreAdded: those since it saved its state, of channels that exist
// here.
func TestCountsOfAnotherProcessAreAdded(t *testing.T) {
	now := time.Now()
	options := Options{Now: func() time.Time { return now }, Seed: []byte("seed")}
	attempts := func(r *Registry, name string, results ...bool) {
		ch := r.Channel(name, "https://a.example")
		for _, good := range results {
			lease, skip := ch.Acquire(now, 0, false)
			if skip != "" {
				t.Fatal(skip)
			}
			key := ch.Key("secret-key-1")
			if good {
				key.Succeed(now, "", 0)
				lease.Succeed(now)
			} else {
				key.Limit(now, "", time.Second, "too many")
				lease.FailWithoutBreaker(now, "too many")
			}
		}
	}
	old, next := NewRegistry(options), NewRegistry(options)
	attempts(old, "a", true, false)
	attempts(old, "b", true)
	saved := old.Save()
	next.Restore(saved)
	if all := old.CountsSince(saved); len(all) > 0 {
		t.Errorf("counted since then: %+v", all)
	}
	attempts(next, "a", true)
	now = now.Add(time.Minute)
	attempts(old, "a", true, true, false)
	attempts(old, "c", true)
	next.AddCounts(old.CountsSince(saved))
	a := next.Channel("a", "https://a.example")
	for name, c := range map[string]Counters{"the channel": a.Counters(), "the key": a.Key("secret-key-1").Counters()} {
		if c.Requests != 6 || c.Successes != 4 || c.Failures != 2 || !c.LastAt.Equal(now) || !c.ErrorAt.Equal(now) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if c := next.Channel("b", "https://a.example").Counters(); c.Requests != 1 {
		t.Errorf("what did not change: %+v", c)
	}
	if c := next.Channel("c", "https://a.example").Counters(); c.Requests != 0 {
		t.Errorf("what does not exist: %+v", c)
	}
}

// TestEgressesSurviveARestart: an egress that a site blocks is not tried first again, and
// a state without them is read as before.
func TestEgressesSurviveARestart(t *testing.T) {
	begin := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now := begin
	options := Options{Now: func() time.Time { return now }, Seed: []byte("seed")}
	old := NewRegistry(options)
	a := old.Channel("a", "https://a.example")
	a.FailEgress(now, "direct", true, 8*time.Minute, "the address is blocked")
	a.FailEgress(now, "clash", false, time.Minute, "refused")
	lease, _ := a.Acquire(now, 0, false)
	lease.FailEgresses(now, "no egress works")
	now = begin.Add(2 * time.Second)
	raw, err := json.Marshal(old.Save())
	if err != nil {
		t.Fatal(err)
	}
	restart := func(raw string) *State {
		var saved Saved
		if err := json.Unmarshal([]byte(raw), &saved); err != nil {
			t.Fatal(err)
		}
		next := NewRegistry(options)
		next.Restore(saved)
		return next.Channel("a", "https://a.example")
	}
	if skip := restart(string(raw)).Skip(now); skip != SkipNoEgress {
		t.Errorf("at once: %q", skip)
	}
	now = begin.Add(3 * time.Minute)
	b := restart(string(raw))
	if skip := b.Skip(now); skip != "" {
		t.Errorf("three minutes later: %q", skip)
	}
	want := []EgressView{{Name: "direct", Reason: "the address is blocked", Until: begin.Add(8 * time.Minute)}}
	if got := b.Egresses(now); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := restart(`{"at":"2026-03-01T12:00:00Z","channels":[{"name":"a","target":"https://a.example","counters":{}}]}`).Egresses(now); got != nil {
		t.Errorf("from a state without egresses: %+v", got)
	}
}
