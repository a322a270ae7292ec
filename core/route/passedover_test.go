package route

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// TestPassedOver: a record names the channels that would have come before the pick, and no
// others.
func TestPassedOver(t *testing.T) {
	pause := func(names ...string) func(*world) {
		return func(w *world) {
			for _, name := range names {
				w.channel(name).State.SetPaused(true)
			}
		}
	}
	for _, tt := range []struct {
		name string
		rule sdk.RuleKind // of the first group, "" for priority
		set  func(w *world)
		pick string
		want string
	}{
		{"all is well", "", func(*world) {}, "a", ""},
		{"first paused", "", pause("a"), "b", "a:paused"},
		{"two are out of service", "", func(w *world) {
			w.trip("a")
			pause("b")(w)
		}, "c", "a:breaker_open b:paused"},
		{"a later channel is not named", "", pause("c"), "a", ""},
		{"full", "", func(w *world) {
			w.channel("a").Config.MaxInFlight = 1
			w.channel("a").State.Acquire(w.registry.Now(), 1, false)
		}, "b", "a:full"},
		{"key out", "", func(w *world) { w.channel("a").Keys[0].State.Limit(w.registry.Now(), "", 0, "429") }, "b", "a:no_key"},
		{"another model", "", func(w *world) { w.channel("a").Config.Models = []string{"claude-*"} }, "b", "a:model_not_served"},
		{"next to it, another model", sdk.RuleCycle, func(w *world) { w.channel("a").Config.Models = []string{"claude-*"} }, "b", ""},
		{"suspect", "", func(w *world) { w.channel("a").Keys[0].State.Mark(w.registry.Now(), "gpt-5") }, "b", "a:suspect"},
		{"next to it, paused", sdk.RuleCycle, pause("c"), "a", "c:paused"},
		{"preferred", "", func(w *world) {
			w.channel("c").State.SetPreferred(true)
			pause("a")(w)
		}, "c", ""},
		{"preferred and paused", "", func(w *world) {
			w.channel("c").State.SetPreferred(true)
			pause("c")(w)
		}, "a", "c:paused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				all := channels("a:k", "b", "c")
				var w *world
				if tt.rule == "" {
					w = inOrderOf(t, all...)
				} else {
					w = build(t, nil, map[string]sdk.Component{"x": always(planOf(tt.rule, "a", "b", "c"))}, routeTo("x", all))
				}
				tt.set(w)
				w.table.Routes[0].makeGauges() // some of them change the configuration
				walk := w.walk("gpt-5")
				p, ok := walk.Next(w.registry.Now())
				if !ok || p.Channel.Config.Name != tt.pick {
					t.Fatalf("picked %v, want %s", p.Channel, tt.pick)
				}
				release(p)
				var got []string
				for _, s := range walk.PassedOver(p) {
					got = append(got, s.Channel+":"+string(s.Why))
				}
				if strings.Join(got, " ") != tt.want {
					t.Errorf("passed over %q, want %q", got, tt.want)
				}
			})
		})
	}
}

func TestPassedOverIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []*config.Channel
		for i := range 50 {
			all = append(all, channels(fmt.Sprintf("c%02d", i))...)
		}
		w := inOrderOf(t, all...)
		for _, ch := range w.table.Routes[0].Channels[:40] {
			ch.State.SetPaused(true)
		}
		walk := w.walk("")
		p, ok := walk.Next(w.registry.Now())
		if !ok || p.Channel.Config.Name != "c40" {
			t.Fatalf("picked %v", p.Channel)
		}
		release(p)
		if got := walk.PassedOver(p); len(got) != maxPassedOver || got[0].Channel != "c00" || got[0].Why != channel.SkipPaused {
			t.Errorf("%v", got)
		}
	})
}
