package channel

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func TestStoredObjects(t *testing.T) {
	c, _, s := setup()
	r, k := s.registry, s.Key("sk-1")
	r.RememberObject("file-1", s, k)
	r.RememberObject("file-2", s, nil)
	if gotS, gotK, ok := r.ObjectOwner("file-1"); gotS != s || gotK != k || !ok {
		t.Error("the owner is not found")
	}
	if _, gotK, ok := r.ObjectOwner("file-2"); gotK != nil || !ok {
		t.Error("an owner without a key is not found")
	}
	if _, _, ok := r.ObjectOwner("file-3"); ok {
		t.Error("an unknown object has an owner")
	}
	for i := range maxObjects {
		if i%100 == 0 {
			_, _, _ = r.ObjectOwner("file-1") // in use
		}
		r.RememberObject(fmt.Sprint("resp-", i), s, k)
	}
	if _, _, ok := r.ObjectOwner("file-1"); !ok {
		t.Error("an object in use was removed")
	}
	if _, _, ok := r.ObjectOwner("file-2"); ok || r.objects.recent.Len() != maxObjects || len(r.objects.byID) != maxObjects {
		t.Errorf("%d objects are remembered", r.objects.recent.Len())
	}
	next := NewRegistry(Options{Now: c.now, Seed: []byte("seed")})
	next.Restore(r.Save())
	if gotS, gotK, ok := next.ObjectOwner("file-1"); !ok || gotS.Name() != "a" || gotK.ID() != k.ID() {
		t.Error("the owner is lost in a restart")
	}
}

// TestAnIdleStateStaysTheSame: so that it is not saved again and again.
func TestAnIdleStateStaysTheSame(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	k.Succeed(c.now(), "good", time.Millisecond)
	k.DenyModel(c.now(), "big", 0, "403")
	k.Mark(c.now(), "odd")
	block(c, s, 1, true)
	s.registry.RememberObject("file-1", s, k)
	saved := func() string {
		out := s.registry.Save()
		out.At = time.Time{}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	c.add(25 * time.Hour) // all of it has ended
	before := saved()
	c.add(time.Hour)
	if after := saved(); before != after {
		t.Errorf("an hour later\n%s\nwas\n%s", after, before)
	}
}

// TestRestrictionsSurviveARestart: with their remaining time.
func TestRestrictionsSurviveARestart(t *testing.T) {
	c, _, s := setup()
	k := s.Key("sk-1")
	k.Succeed(c.now(), "good", time.Millisecond)
	k.DenyModel(c.now(), "big", 0, "403")
	k.Mark(c.now(), "odd")
	block(c, s, 1, true)
	s.DenyModel(c.now(), "none", SkipNoModel, 0, "404")
	s.DenyEndpoint(c.now(), "files", true, 0, "404")
	s.CountModelRefusal(c.now(), "odd", 1)
	s.CountModelRefusal(c.now(), "odd", 2)
	s.SetPreferred(true)
	b, err := json.Marshal(s.registry.Save())
	if err != nil {
		t.Fatal(err)
	}
	var saved Saved
	if err := json.Unmarshal(b, &saved); err != nil {
		t.Fatal(err)
	}
	good := c.now()
	c.add(10 * time.Second)
	r := NewRegistry(Options{Now: c.now, Seed: []byte("seed")})
	r.Restore(saved)
	s = r.Channel("a", "https://a.example")
	k = s.Key("sk-1")
	left := func(until time.Time) time.Duration { return until.Sub(c.now()) }
	if skip, until := k.Skip(c.now(), "big", ""); skip != SkipNoAccess || left(until) != time.Hour-10*time.Second {
		t.Errorf("access: %q for %s", skip, left(until))
	}
	if until, deferred := k.Deferred(c.now(), "odd", ""); !deferred || left(until) != 110*time.Second {
		t.Errorf("mark of the key: %v for %s", deferred, left(until))
	}
	if at := k.LastGood("good"); at.Sub(good).Abs() > time.Second {
		t.Errorf("the last good answer was at %s, is at %s", good, at)
	}
	if v := s.View(c.now()); v.Skip != SkipBlocked || left(v.Until) != 20*time.Second || !v.Preferred || !r.AnyPreferred() {
		t.Errorf("channel: %+v", v)
	}
	if skip, until := s.SkipFor(c.now(), "none", ""); skip != SkipNoModel || left(until) != 10*time.Minute-10*time.Second {
		t.Errorf("model: %q for %s", skip, left(until))
	}
	if skip, _ := s.SkipFor(c.now(), "m", "files"); skip != SkipNoEndpoint {
		t.Errorf("endpoint: %q", skip)
	}
	if until, deferred := s.Deferred(c.now(), "odd"); !deferred || left(until) != 110*time.Second {
		t.Errorf("mark of the channel: %v for %s", deferred, left(until))
	}
}
