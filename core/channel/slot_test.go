package channel

import (
	"testing"
	"time"
)

// AnyRestricted is true exactly while a channel is restricted.
func TestAnyRestricted(t *testing.T) {
	c := newClock()
	r := NewRegistry(Options{Now: c.now, Seed: []byte("seed")})
	a, b := r.Channel("a", "https://a.example"), r.Channel("b", "https://b.example")
	check := func(what string, want bool) {
		t.Helper()
		if got := r.AnyRestricted(); got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	check("nothing happened", false)
	trip(c, a)
	trip(c, b)
	a.SetPaused(true)
	a.SetPaused(false)
	check("two breakers are open", true)
	for _, s := range []*State{a, b} {
		c.add(time.Hour)
		l, _ := s.Acquire(c.now(), 0, false)
		l.Answered(c.now(), "m", "generate")
		l.Succeed(c.now())
	}
	check("both answered", false)
	b.Key("k").Limit(c.now(), "", time.Hour, "429")
	check("a key is limited", true)
	r.Retain(map[*State][]*Key{a: nil, b: nil})
	c.add(2 * removedTTL)
	r.Retain(map[*State][]*Key{a: nil, b: nil})
	check("the key was removed", false)
	a.SetPaused(true)
	r.Retain(map[*State][]*Key{b: nil})
	c.add(2 * removedTTL)
	r.Retain(map[*State][]*Key{b: nil})
	check("the channel was removed", false)
	a.SetPaused(false)
	check("a removed channel is resumed", false)
	b.SetPaused(true)
	check("the other one is paused", true)
}
