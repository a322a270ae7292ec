package route

import (
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// inOrderOf returns a world with one route that tries the channels in the order in which they
// are listed.
func inOrderOf(t *testing.T, all ...*config.Channel) *world {
	t.Helper()
	return build(t, nil, nil, routeTo("priority", all))
}

// trip opens the channel's breaker.
func (w *world) trip(name string) {
	s := w.channel(name).State
	for range channel.DefaultBreaker.Failures {
		l, _ := s.Acquire(w.registry.Now(), 0, true)
		l.Fail(w.registry.Now(), "502")
	}
}

// exhaust walks to the end, where each pick fails permanently, and returns what was tried.
func (w *world) exhaust(walk *Walk, fail func(*Walk, Pick)) string {
	var names []string
	for {
		p, ok := walk.Next(w.registry.Now())
		if !ok {
			return strings.Join(names, " ")
		}
		if len(names) > 50 {
			w.t.Fatalf("the walk has no end: %v", names)
		}
		release(p)
		names = append(names, nameOf(p))
		fail(walk, p)
	}
}

func failChannel(walk *Walk, p Pick) { walk.FailChannel(p, time.Time{}) }

func TestGroupsAreTriedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := planOf(sdk.RuleCycle, "c", "d")
		p.Groups = append(p.Groups, planOf(sdk.RuleOrder, "b").Groups...)
		p.Groups = append(p.Groups, planOf(sdk.RuleOrder, "a").Groups...)
		w := build(t, nil, map[string]sdk.Component{"x": always(p)}, routeTo("x", channels("a", "b", "c", "d")))
		if got := w.exhaust(w.walk(""), failChannel); got != "c d b a" {
			t.Errorf("tried %s", got)
		}
		if got := w.picks(4); got != "c d c d" {
			t.Errorf("without failures picked %s", got)
		}
	})
}

// TestAChannelThatAPlanLeavesOutIsNotTried: except as the last resort.
func TestAChannelThatAPlanLeavesOutIsNotTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleOrder, "b"))}, routeTo("x", channels("a", "b")))
		if got := w.exhaust(w.walk(""), failChannel); got != "b" {
			t.Errorf("tried %s", got)
		}
	})
}

func TestWhyAChannelIsSkipped(t *testing.T) {
	for _, tt := range []struct {
		name  string
		model string
		set   func(w *world, a *Channel)
		why   channel.Skip
		cause string
	}{
		{"paused", "", func(_ *world, a *Channel) { a.State.SetPaused(true) }, channel.SkipPaused, ""},
		{"down", "", func(_ *world, a *Channel) { a.State.SetHealth(sdk.HealthDown, "no") }, channel.SkipCheckFailed, "no"},
		{"open", "", func(w *world, _ *Channel) { w.trip("a") }, channel.SkipBreakerOpen, "502"},
		{"half-open and on trial", "", func(w *world, a *Channel) {
			w.trip("a")
			time.Sleep(channel.DefaultBreaker.Open)
			a.State.Acquire(w.registry.Now(), 0, false)
		}, channel.SkipBreakerProbing, "502"},
		{"full", "", func(w *world, a *Channel) {
			a.Config.MaxInFlight = 2
			a.State.Acquire(w.registry.Now(), 2, false)
			a.State.Acquire(w.registry.Now(), 2, false)
		}, channel.SkipFull, ""},
		{"key limited", "", func(w *world, a *Channel) { a.Keys[0].State.Limit(w.registry.Now(), "", 0, "429") }, channel.SkipNoKey, "429"},
		{"key limited for the model", "gpt-4o", func(w *world, a *Channel) {
			a.Keys[0].State.Limit(w.registry.Now(), "gpt-4o", 0, "429")
		}, channel.SkipNoKey, "429"},
		{"key limited for another model", "gpt-4o", func(w *world, a *Channel) {
			a.Keys[0].State.Limit(w.registry.Now(), "o3", 0, "429")
		}, "", ""},
		{"key invalid", "", func(w *world, a *Channel) { a.Keys[0].State.Invalidate(w.registry.Now(), "", 0, "401") }, channel.SkipNoKey, "401"},
		{"key out of quota", "", func(w *world, a *Channel) { a.Keys[0].State.Exhaust(w.registry.Now(), 0, "402") }, channel.SkipNoKey, "402"},
		{"other models", "gpt-4o", func(_ *world, a *Channel) { a.Config.Models = []string{"claude-*"} }, channel.SkipModelNotServed, ""},
		{"its models", "gpt-4o", func(_ *world, a *Channel) { a.Config.Models = []string{"gpt-*"} }, "", ""},
		{"no model asked for", "", func(_ *world, a *Channel) { a.Config.Models = []string{"claude-*"} }, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := inOrderOf(t, channels("a:k", "b")...)
				tt.set(w, w.channel("a"))
				w.table.Routes[0].makeGauges() // some of them change the configuration
				want := "a/k"
				if tt.why != "" {
					want = "b"
				}
				if got := w.pick(w.walk(tt.model)); got != want {
					t.Errorf("picked %q, want %q", got, want)
				}
				skips := w.walk(tt.model).Skips(w.registry.Now())
				keys := skips[0].Keys
				if skips[0].Keys = nil; !reflect.DeepEqual(skips, []Skipped{{Channel: "a", Why: tt.why, Cause: tt.cause}, {Channel: "b"}}) {
					t.Errorf("reported as %v", skips)
				}
				if (len(keys) == 1) != (tt.why == channel.SkipNoKey) || len(keys) == 1 && (keys[0].Cause != tt.cause || keys[0].Why == "") {
					t.Errorf("its keys are reported as %v", keys)
				}
			})
		})
	}
}

func TestAFailedKeyIsFollowedByTheChannelsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2,k3", "b", "c:k1,k2")...)
		limit := func(walk *Walk, p Pick) {
			if p.Key != nil {
				p.Key.State.Limit(w.registry.Now(), "", 0, "429")
			}
			walk.FailKey(p)
		}
		if got, want := w.exhaust(w.walk(""), limit), "a/k1 a/k2 a/k3 b c/k1 c/k2"; got != want {
			t.Errorf("tried %s, want %s", got, want)
		}
		if got := w.pick(w.walk("")); got != "b" {
			t.Errorf("the next request picked %q, want the one without a key in a cooldown", got)
		}
		time.Sleep(time.Minute)
		if got := w.pick(w.walk("")); got != "a/k1" {
			t.Errorf("after the cooldowns picked %q", got)
		}
	})
}

func TestReasonsOfPicks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k1,k2", "b")...)
		walk := w.walk("")
		first, _ := walk.Next(w.registry.Now())
		walk.FailKey(first)
		second, _ := walk.Next(w.registry.Now())
		if first.Plan != 1 || first.Reason != "the highest weight first" || second.Reason != reasonNextKey {
			t.Errorf("reasons %d %q, then %q", first.Plan, first.Reason, second.Reason)
		}
		for _, p := range []Pick{first, second} {
			release(p)
		}
		if n, m := first.Channel.State.InFlight(), first.Key.State.InFlight(); n != 0 || m != 0 {
			t.Errorf("%d attempts and %d uses of the key are left", n, m)
		}
	})
}

// TestAFallbackSaysWhatCameBefore: its reason names the channels that were unavailable, and
// those that failed.
func TestAFallbackSaysWhatCameBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := channels("a:k1", "b", "c", "d")
		all[2].Fallback, all[3].Fallback = true, true
		w := inOrderOf(t, all...)
		reasons := func() (got []string) {
			walk := w.walk("")
			for p, ok := walk.Next(w.registry.Now()); ok; p, ok = walk.Next(w.registry.Now()) {
				got = append(got, p.Channel.Config.Name+": "+p.Reason)
				release(p)
				failChannel(walk, p)
			}
			return got
		}
		got := strings.Join(reasons(), "\n")
		want := "a: the highest weight first\nb: the highest weight first\nc: a fallback (failed: a, b)\nd: a fallback (failed: a, b, c)"
		if got != want {
			t.Errorf("all fail:\n%s\nwant\n%s", got, want)
		}
		w.channel("a").State.SetPaused(true)
		w.channel("b").State.SetPaused(true)
		got = strings.Join(reasons(), "\n")
		want = "c: a fallback (not available: a, b)\nd: a fallback (not available: a, b; failed: c)"
		if got != want {
			t.Errorf("the others are not available:\n%s\nwant\n%s", got, want)
		}
		choices, _, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
		if len(choices) != 2 || choices[0].Reason != "a fallback (not available: a, b)" || strings.Contains(choices[1].Reason, "failed") {
			t.Errorf("explained as %+v", choices)
		}
	})
}

// TestAFailedChannelMayBeTriedAgain: after its pause, and when no other is left.
func TestAFailedChannelMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b")...)
		walk := w.walk("")
		next := func() Pick {
			p, ok := walk.Next(w.registry.Now())
			if ok {
				release(p)
			}
			return p
		}
		now := w.registry.Now()
		walk.FailChannel(next(), now.Add(2*time.Second))
		time.Sleep(5 * time.Second) // a's pause is over, b was not tried yet
		b := next()
		if b.Channel != w.channel("b") {
			t.Fatal("a channel that failed came before one that was not tried")
		}
		walk.FailChannel(b, w.registry.Now().Add(time.Second))
		a := next()
		if a.Channel != w.channel("a") {
			t.Fatal("a channel whose pause is over is not tried again")
		}
		walk.FailChannel(a, time.Time{})
		if p := next(); p.Channel != nil {
			t.Fatalf("%s came before its pause was over", nameOf(p))
		}
		if at, ok := walk.NextAvailable(w.registry.Now()); !ok || at.Sub(w.registry.Now()) != time.Second {
			t.Errorf("the next try is in %s, %v", at.Sub(w.registry.Now()), ok)
		}
		time.Sleep(time.Second)
		if p := next(); p.Channel != w.channel("b") {
			t.Error("b is not tried again")
		} else {
			walk.FailChannel(p, time.Time{})
		}
		if p := next(); p.Channel != nil {
			t.Errorf("%s was tried again, although it failed permanently in this request", nameOf(p))
		}
		if _, ok := walk.NextAvailable(w.registry.Now()); ok {
			t.Error("there is a time for the next try, although all failed permanently")
		}
		walk.Begin(w.table.Routes[0], Request{Model: "", Header: session("")})
		if p := next(); p.Channel != w.channel("a") {
			t.Error("a walk that is used again remembers the failures of the last request")
		}
	})
}

func TestWhenTheNextCandidateIsAvailable(t *testing.T) {
	const never = -1
	for _, tt := range []struct {
		name string
		set  func(w *world, now time.Time)
		want time.Duration
	}{
		{"a key's cooldown ends first", func(w *world, now time.Time) {
			w.channel("a").Keys[0].State.Limit(now, "", 7*time.Second, "429")
			w.channel("a").Keys[1].State.Limit(now, "", 5*time.Second, "429")
			w.trip("b")
		}, 5 * time.Second},
		{"a breaker's pause ends first", func(w *world, now time.Time) {
			w.channel("a").Keys[0].State.Limit(now, "", 20*time.Second, "429")
			w.channel("a").Keys[1].State.Invalidate(now, "", 0, "401")
			w.trip("b")
		}, 10 * time.Second},
		{"a cooldown for the model", func(w *world, now time.Time) {
			w.channel("a").Keys[0].State.Limit(now, "m", 3*time.Second, "429")
			w.channel("a").Keys[1].State.Limit(now, "", 4*time.Second, "429")
			w.channel("b").State.SetPaused(true)
		}, 3 * time.Second},
		{"what only a person or a check ends", func(w *world, now time.Time) {
			w.channel("a").Keys[0].State.Invalidate(now, "", 0, "401")
			w.channel("a").Keys[1].State.Exhaust(now, 0, "402")
			w.channel("b").State.SetPaused(true)
		}, never},
		{"down by a check", func(w *world, _ time.Time) {
			w.channel("a").State.SetHealth(sdk.HealthDown, "no")
			w.channel("b").Config.Models = []string{"other"}
		}, never},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := inOrderOf(t, channels("a:k1,k2", "b", "c")...)
				w.channel("c").State.SetPaused(true)
				now := w.registry.Now()
				tt.set(w, now)
				at, ok := w.walk("m").NextAvailable(now)
				if got := at.Sub(now); ok != (tt.want != never) || ok && got != tt.want {
					t.Errorf("the next try is in %s, %v; want %s", got, ok, tt.want)
				}
			})
		})
	}
}

// TestTheChannelOutLongestIsTheLastResort: of those with an open breaker or a failed check,
// never one that is paused, lacks keys or does not serve the model.
func TestTheChannelOutLongestIsTheLastResort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b", "c", "d:k", "e")...)
		w.channel("e").Config.Models = []string{"other"}
		down := func(name string) {
			time.Sleep(time.Second)
			w.channel(name).State.SetHealth(sdk.HealthDown, "no")
		}
		w.channel("a").State.SetPaused(true)
		down("e")
		down("d")
		down("c")
		down("b")
		w.channel("d").Keys[0].State.Invalidate(w.registry.Now(), "", 0, "401")
		walk := w.walk("m")
		p, ok := walk.Next(w.registry.Now())
		if !ok || nameOf(p) != "c" || p.Reason != reasonLastResort {
			t.Fatalf("picked %+v", p)
		}
		p.Lease.Fail(w.registry.Now(), "502")
		walk.FailChannel(p, time.Time{})
		if got := w.exhaust(walk, failChannel); got != "b" {
			t.Errorf("then tried %q, want b", got)
		}
	})
}

func TestAPausedChannelIsNeverTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b")...)
		w.trip("a")
		w.channel("a").State.SetPaused(true)
		w.channel("b").State.SetPaused(true)
		time.Sleep(time.Hour)
		if got := w.exhaust(w.walk(""), failChannel); got != "" {
			t.Errorf("tried %s", got)
		}
		if _, ok := w.walk("").NextAvailable(w.registry.Now()); ok {
			t.Error("there is a time for the next try of paused channels")
		}
	})
}
