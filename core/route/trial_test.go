package route

import (
	"testing"
	"testing/synctest"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestATrialIgnoresTheState(t *testing.T) {
	for name, set := range map[string]func(w *world, a *Channel){
		"paused":      func(_ *world, a *Channel) { a.State.SetPaused(true) },
		"down":        func(_ *world, a *Channel) { a.State.SetHealth(sdk.HealthDown, "no") },
		"open":        func(w *world, _ *Channel) { w.trip("a") },
		"no endpoint": func(w *world, a *Channel) { a.State.DenyEndpoint(w.registry.Now(), "generate", true, 0, "404") },
		"no model":    func(w *world, a *Channel) { a.State.DenyModel(w.registry.Now(), "m", channel.SkipNoModel, 0, "404") },
		"invalid key": func(w *world, a *Channel) { a.Keys[0].State.Invalidate(w.registry.Now(), "", 0, "401") },
		"rate limit":  func(w *world, a *Channel) { a.Keys[0].State.Limit(w.registry.Now(), "", 0, "429") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := inOrderOf(t, channels("a:k")...)
				set(w, w.channel("a"))
				request := Request{Model: "m", Endpoint: "generate", Trial: true}
				walk := &Walk{}
				walk.Begin(w.table.Single("a"), request)
				if got := w.exhaust(walk, failChannel); got != "a/k" {
					t.Errorf("tried %q, want a/k once", got)
				}
			})
		})
	}
}

func TestATrialUsesTheKeysThatAreAvailableFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k,l")...)
		a := w.channel("a")
		a.Keys[0].State.Invalidate(w.registry.Now(), "", 0, "401")
		a.State.DenyEndpoint(w.registry.Now(), "generate", true, 0, "404")
		walk := &Walk{}
		walk.Begin(w.table.Single("a"), Request{Endpoint: "generate", Trial: true})
		if got := w.exhaust(walk, func(walk *Walk, p Pick) {
			p.Key.State.Invalidate(w.registry.Now(), "", 0, "401")
			walk.FailKey(p)
		}); got != "a/l" {
			t.Errorf("tried %q, want the key that is available", got)
		}
	})
}

func TestATrialOfAModelThatTheChannelDoesNotServeIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a:k")...)
		w.channel("a").Config.Models = []string{"claude-*"}
		w.table.Single("a").makeGauges()
		walk := &Walk{}
		walk.Begin(w.table.Single("a"), Request{Model: "gpt-x", Trial: true})
		if got := w.exhaust(walk, failChannel); got != "" {
			t.Errorf("tried %q", got)
		}
	})
}

// TestExplainSaysOneThingOfEachChannel: also of the last resort.
func TestExplainSaysOneThingOfEachChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b", "c")...)
		for _, name := range []string{"a", "b"} {
			w.channel(name).State.SetHealth(sdk.HealthDown, "no")
		}
		w.channel("c").State.SetPaused(true)
		choices, skipped, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
		said := map[string]int{}
		for _, c := range choices {
			said[c.Channel.Config.Name]++
			if c.Skip != channel.SkipCheckFailed {
				t.Errorf("%s is tried in spite of %q, want %q", c.Channel.Config.Name, c.Skip, channel.SkipCheckFailed)
			}
		}
		for _, p := range skipped {
			said[p.Channel.Config.Name]++
		}
		if len(choices) == 0 || said["a"] != 1 || said["b"] != 1 || said["c"] != 1 {
			t.Errorf("statements by channel: %v; tried %v, skipped %v", said, choices, skipped)
		}
	})
}
