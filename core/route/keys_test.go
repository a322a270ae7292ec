package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// selecting returns a world with one channel, whose keys the selector plans.
func selecting(t *testing.T, selector sdk.Component, keys string) *world {
	t.Helper()
	all := channels("a:" + keys)
	all[0].KeySelector.Ref = "x"
	return build(t, nil, map[string]sdk.Component{"x": selector}, routeTo("priority", all))
}

func selectedBy(p sdk.Plan) *author {
	return &author{keys: func(context.Context, sdk.KeyPlanRequest) (sdk.Plan, error) { return p, nil }}
}

func TestKeysFollowTheSelectorsPlan(t *testing.T) {
	tiers := planOf(sdk.RuleCycle, "k3", "k1")
	tiers.Groups = append(tiers.Groups, planOf(sdk.RuleOrder, "k2").Groups...)
	for _, tt := range []struct {
		name string
		plan sdk.Plan
		want string
	}{
		{"order", planOf(sdk.RuleOrder, "k2", "k3", "k1"), "a/k2 a/k2 a/k2 a/k2"},
		{"cycle", planOf(sdk.RuleCycle, "k2", "k3", "k1"), "a/k2 a/k3 a/k1 a/k2"},
		{"tiers", tiers, "a/k3 a/k1 a/k3 a/k1"},
		{"unknown key", planOf(sdk.RuleOrder, "k4"), "a/k1 a/k2 a/k3 a/k1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := selecting(t, selectedBy(tt.plan), "k1,k2,k3")
				if got := w.picks(4); got != tt.want {
					t.Errorf("picked %s, want %s", got, tt.want)
				}
				refused := tt.name == "unknown key"
				if info := w.channel("a").KeyPlan(); info.Core != refused {
					t.Errorf("plan %+v", info)
				}
				if n := w.noted(); refused && (len(n) == 0 || !strings.Contains(n[0], `key selector "x" of channel "a"`)) {
					t.Errorf("notices %q", n)
				}
			})
		})
	}
}

func TestAKeyInACooldownIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := selecting(t, selectedBy(planOf(sdk.RuleCycle, "k1", "k2", "k3")), "k1,k2,k3")
		w.channel("a").Keys[1].State.Limit(w.registry.Now(), "", time.Minute, "429")
		if got := w.picks(4); got != "a/k1 a/k3 a/k1 a/k3" {
			t.Errorf("picked %s", got)
		}
		time.Sleep(time.Minute)
		if got := w.picks(4); got != "a/k2 a/k1 a/k3 a/k2" {
			t.Errorf("after the cooldown picked %s", got)
		}
	})
}

// TestASelectorSeesNoSecret: it gets IDs, weights and counters only.
func TestASelectorSeesNoSecret(t *testing.T) {
	var seen []sdk.KeyPlanRequest
	selector := &author{keys: func(_ context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
		seen = append(seen, req)
		return planOf(sdk.RuleOrder, "k1"), nil
	}}
	w := selecting(t, selector, "k1,k2")
	if len(seen) != 1 || seen[0].Channel != "a" {
		t.Fatalf("the selector was called %d times", len(seen))
	}
	var ids []string
	for _, k := range seen[0].Keys {
		ids = append(ids, k.ID)
	}
	if !slices.Equal(ids, []string{"k1", "k2"}) {
		t.Errorf("the selector saw %d keys, or others", len(ids))
	}
	for _, k := range w.channel("a").Config.Keys {
		if strings.Contains(fmt.Sprintf("%+v", seen), k.Value.Plaintext()) {
			t.Error("the selector saw a secret")
		}
	}
}

// TestAChannelWithoutKeysFailsAsAWhole: a failure that would concern the key concerns the
// channel.
func TestAChannelWithoutKeysFailsAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b")...)
		if got := w.exhaust(w.walk(""), (*Walk).FailKey); got != "a b" {
			t.Errorf("tried %s", got)
		}
	})
}

// TestAChannelWithoutAUsableKeyInThePlanIsSkipped: no slot is held there.
func TestAChannelWithoutAUsableKeyInThePlanIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := channels("a:k1,k2", "b")
		all[0].KeySelector.Ref = "x"
		w := build(t, nil, map[string]sdk.Component{"x": selectedBy(planOf(sdk.RuleOrder, "k1"))}, routeTo("priority", all))
		w.channel("a").Keys[0].State.Limit(w.registry.Now(), "", 0, "429")
		if got := w.exhaust(w.walk(""), failChannel); got != "b" {
			t.Errorf("tried %q, want b", got)
		}
		if n := w.channel("a").State.InFlight(); n != 0 {
			t.Errorf("%d slots are held", n)
		}
	})
}

func TestExplainShowsTheOrderOfKeys(t *testing.T) {
	plan := planOf(sdk.RuleOrder, "k3", "k1", "k2", "k4")
	plan.Reason = "the largest balance first"
	w := selecting(t, selectedBy(plan), "k1,k2,k3,k4")
	w.channel("a").Keys[0].State.Limit(w.registry.Now(), "", time.Minute, "429")
	for range 2 { // the first explanation must not change the second
		got, skipped, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
		if len(got) != 1 || len(skipped) != 1 {
			t.Fatalf("%d choices, %d skipped", len(got), len(skipped))
		}
		var ids []string
		for _, k := range got[0].Keys {
			ids = append(ids, k.ID())
		}
		if got[0].Key != got[0].Keys[0] || strings.Join(ids, " ") != "k3 k2 k4" || got[0].KeyReason != "the largest balance first" {
			t.Errorf("keys %v, first %s, reason %q", ids, got[0].Key.ID(), got[0].KeyReason)
		}
	}
	if got := w.picks(2); got != "a/k3 a/k3" {
		t.Errorf("after that, %s were picked", got)
	}
}

func TestExplainSaysThatKeysAreChosenByChance(t *testing.T) {
	w := selecting(t, selectedBy(planOf(sdk.RuleWeightedRandom, "k1", "k2")), "k1,k2")
	got, _, _ := w.table.Routes[0].Explain(t.Context(), w.registry.Now(), Request{})
	if len(got) != 1 || len(got[0].Keys) != 2 || !strings.Contains(got[0].KeyReason, "random for each request") {
		t.Errorf("%+v", got)
	}
}
