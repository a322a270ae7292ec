package route

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// TestUseOfLimits: strategies and the status get how much of their limits channels and keys
// use, and which of them are at a limit.
func TestUseOfLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := channels("free", "limited", "keyed:k1,k2")
		all[1].Limit.RequestsPerMinute, all[1].Limit.Burst = 60, 4
		for _, k := range all[2].Keys {
			k.Limit.Concurrent.Max = 2
		}
		strategy := always(planOf(sdk.RuleOrder, "free", "limited", "keyed"))
		w := build(t, nil, map[string]sdk.Component{"author": strategy}, routeTo("author", all))
		now := time.Now()
		expect := func(name string, used float64, skip channel.Skip) {
			t.Helper()
			ch := w.channel(name)
			if s := ch.snapshot(now); s.LimitUsed < used-0.01 || s.LimitUsed > used+0.01 || s.Headroom() != 1-s.LimitUsed {
				t.Errorf("%s: %g is used, %g is left, want %g used", name, s.LimitUsed, s.Headroom(), used)
			}
			if got, _ := ch.AtLimit(now); got != skip {
				t.Errorf("%s: %q, want %q", name, got, skip)
			}
		}
		take := func(n int, ch *Channel, k *Key) {
			for range n {
				l := ch.State.Limiter()
				if k != nil {
					l = k.State.Limiter()
				}
				l.Take(now, 0)
			}
		}
		limited, keyed := w.channel("limited"), w.channel("keyed")
		expect("free", 0, "")
		expect("limited", 0, "")
		take(3, limited, nil)
		expect("limited", 0.75, "")
		take(1, limited, nil)
		expect("limited", 1, channel.SkipAtLimit)
		if _, until := limited.AtLimit(now); until.Sub(now).Round(time.Millisecond) != time.Second {
			t.Errorf("there is room in %s, want a second", until.Sub(now))
		}
		take(2, keyed, keyed.Keys[0])
		expect("keyed", 0, "")
		if skip, _ := keyed.Keys[0].AtLimit(now); skip != channel.SkipAtLimit || keyed.Keys[0].snapshot(now).LimitUsed != 1 {
			t.Errorf("the first key: %q", skip)
		}
		take(1, keyed, keyed.Keys[1])
		expect("keyed", 0.5, "")
		take(1, keyed, keyed.Keys[1])
		expect("keyed", 1, channel.SkipAtLimit)
		if asked := strategy.requests(); len(asked) == 0 || asked[0].Channels[1].LimitUsed != 0 {
			t.Errorf("%+v", asked)
		}
	})
}

// TestPriceFactorAndEgress: strategies get the price factor of a channel, and its current
// egress.
func TestPriceFactorAndEgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := channels("plain", "far")
		all[1].PriceFactor = 0.3
		all[1].Egress = []*config.Egress{{Name: "home"}, {Name: "abroad"}}
		w := build(t, nil, map[string]sdk.Component{"author": always(planOf(sdk.RuleOrder, "plain", "far"))}, routeTo("author", all))
		now, far := time.Now(), w.channel("far")
		expect := func(egress string) {
			t.Helper()
			if s := far.snapshot(now); s.Egress != egress || s.PriceFactor != 0.3 {
				t.Errorf("by %q for %g, want by %q for 0.3", s.Egress, s.PriceFactor, egress)
			}
		}
		expect("home")
		far.State.FailEgress(now, "home", true, time.Minute, "blocked")
		expect("abroad")
		far.State.FailEgress(now, "abroad", true, time.Minute, "blocked")
		expect("home")
		if s := w.channel("plain").snapshot(now); s.Egress != "" {
			t.Errorf("%+v", s)
		}
	})
}
