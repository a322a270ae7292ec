package health

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// A result for one key takes only that key out of use.
func TestACheckOfSingleKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := channel.NewRegistry(channel.Options{Seed: []byte("s")}).Channel("a", "https://a.example")
		first, second := state.Key("one"), state.Key("two")
		answers := []sdk.CheckResult{
			{Healthy: true, Keys: []sdk.KeyResult{{ID: "k1", State: sdk.KeySpent, Reason: "0.02 left"}, {ID: "k2", State: sdk.KeyOK}, {ID: "gone", State: sdk.KeySpent}, {ID: "k2", State: "new"}}},
			{Healthy: true, Keys: []sdk.KeyResult{{ID: "k1", State: sdk.KeyOK}, {ID: "k2", State: sdk.KeyCooldown, Until: time.Now().Add(time.Hour)}}},
			{Healthy: true, Keys: []sdk.KeyResult{{ID: "k2", State: sdk.KeyOK}}},
		}
		c := &checker{t: t, result: results(answers...)}
		m := Start([]Check{{
			State: state, Checker: c, Host: host{}, Interval: time.Hour, Timeout: timeout, Fall: 3, Rise: 1,
			Keys: []Key{{ID: "k1", Label: "team", State: first}, {ID: "k2", State: second}},
		}}, func(string) {})
		defer m.Close()
		skips := func() [2]channel.Skip {
			a, _ := first.Skip(time.Now(), "m", "")
			b, _ := second.Skip(time.Now(), "m", "")
			return [2]channel.Skip{a, b}
		}
		for i, want := range [][2]channel.Skip{{channel.SkipQuotaSpent, ""}, {"", channel.SkipCooldown}, {"", ""}} {
			if _, err := m.Now(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if got := skips(); got != want {
				t.Errorf("after check %d: %q, want %q", i+1, got, want)
			}
		}
		if got := c.asked.Keys; len(got) != 2 || got[0] != (sdk.CheckKey{ID: "k1", Label: "team"}) {
			t.Errorf("asked about %+v", got)
		}
		second.Limit(time.Now(), "", time.Hour, "429")
		_, _ = m.Now(t.Context(), "a")
		if got := skips(); got[1] != channel.SkipRateLimited {
			t.Error("a check ended the cooldown of a site's own limit")
		}
	})
}

func TestACheckThatCannotBeMadeIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, results(healthy))
		w.checker.result = func(_ context.Context, n int) (sdk.CheckResult, error) {
			if n == 1 {
				return sdk.CheckResult{}, errors.New("no account")
			}
			return healthy, nil
		}
		_, _ = w.Now(t.Context(), "a")
		if got := w.state.View(time.Now()).CheckError; got != "no account" {
			t.Errorf("%q", got)
		}
		w.check(t)
		if got := w.state.View(time.Now()).CheckError; got != "" {
			t.Errorf("%q", got)
		}
	})
}
