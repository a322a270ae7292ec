package route

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// refreshing is a strategy with the shortest TTL.
type refreshing struct{ sdk.Strategy }

func (r refreshing) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	p, err := r.Strategy.Plan(ctx, req)
	p.TTL = minTTL
	return p, err
}

// swarm has 64 workers make 1000 picks each, with pauses in which plans are
// renewed, and counts them by channel. meanwhile runs when half are made.
func (w *world) swarm(meanwhile func()) map[string]int {
	const workers, each, pause = 64, 1000, 5 * time.Millisecond
	counts := make([]map[string]int, workers)
	var wg sync.WaitGroup
	for i := range workers {
		counts[i] = map[string]int{}
		wg.Go(func() {
			var walk Walk
			for range each {
				walk.Begin(w.table.Routes[0], Request{Model: "", Header: session("")})
				p, ok := walk.Next(w.registry.Now())
				if !ok {
					w.t.Error("nothing picked")
					return
				}
				counts[i][nameOf(p)]++
				time.Sleep(pause)
				p.Lease.Answered(w.registry.Now(), "", "")
				p.Lease.Succeed(w.registry.Now())
			}
		})
	}
	time.Sleep(each*pause/2 + pause/5) // while all workers sleep
	meanwhile()
	wg.Wait()
	sum := map[string]int{}
	total := 0
	for _, c := range counts {
		for name, n := range c {
			sum[name] += n
			total += n
		}
	}
	if total != workers*each {
		w.t.Errorf("%d picks were made, want %d", total, workers*each)
	}
	if plans := w.table.Routes[0].Plan().Seq; plans < 10 {
		w.t.Errorf("%d plans were made: too few to test the renewal", plans)
	}
	return sum
}

// fresh returns a built-in strategy with plans that are renewed all the time.
func fresh(t *testing.T, name string) map[string]sdk.Component {
	t.Helper()
	c, err := builtin(&config.Component{Kind: sdk.KindStrategy, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return map[string]sdk.Component{name: refreshing{c.(sdk.Strategy)}}
}

// even fails unless the counts of these channels differ by at most 1.
func even(t *testing.T, counts map[string]int, names ...string) {
	t.Helper()
	var of []int
	for _, name := range names {
		of = append(of, counts[name])
	}
	if slices.Max(of)-slices.Min(of) > 1 {
		t.Errorf("counts %v: those of %v differ by more than 1", counts, names)
	}
}

func TestRoundRobinIsExactAcrossPlans(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 10} {
		synctest.Test(t, func(t *testing.T) {
			names := letters(n)
			w := build(t, nil, fresh(t, "round-robin"), routeTo("round-robin", channels(names...)))
			even(t, w.swarm(func() {}), names...)
		})
	}
}

// TestRoundRobinStaysExactWhenAChannelIsEjected: its share is divided equally
// among the others, and it gets no more requests.
func TestRoundRobinStaysExactWhenAChannelIsEjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil, fresh(t, "round-robin"), routeTo("round-robin", channels("a", "b", "c", "d", "e")))
		counts := w.swarm(func() { failUntilOpen(t, w, "c") })
		even(t, counts, "a", "b", "d", "e")
		// c took part in one half of the picks.
		if want := 64 * 500 / 5; counts["c"] < want-64 || counts["c"] > want+64 {
			t.Errorf("c was picked %d times, want about %d before its breaker opened and none after", counts["c"], want)
		}
	})
}

// failUntilOpen has requests fail until the channel's breaker opens.
func failUntilOpen(t *testing.T, w *world, name string) {
	s := w.channel(name).State
	for range channel.DefaultBreaker.Failures {
		l, skip := s.Acquire(w.registry.Now(), 0, false)
		if skip != "" {
			t.Errorf("%s is not available: %s", name, skip)
			return
		}
		l.Fail(w.registry.Now(), "502")
	}
	if s.Skip(w.registry.Now()) != channel.SkipBreakerOpen {
		t.Errorf("the breaker of %s is not open", name)
	}
}

func TestFallbacksServeInTurnOnceTheOthersAreOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := channels("a", "b", "c", "d")
		all[2].Fallback, all[3].Fallback = true, true
		w := build(t, nil, fresh(t, "round-robin"), routeTo("round-robin", all))
		counts := w.swarm(func() {
			w.channel("a").State.SetHealth(sdk.HealthDown, "no")
			w.channel("b").State.SetHealth(sdk.HealthDown, "no")
		})
		even(t, counts, "a", "b")
		even(t, counts, "c", "d")
		if counts["a"] == 0 || counts["c"] == 0 {
			t.Errorf("counts %v", counts)
		}
	})
}

func letters(n int) (names []string) {
	for i := range n {
		names = append(names, string(rune('a'+i)))
	}
	return names
}

// weigh gives the channels weights.
func weigh(all []*config.Channel, weights []float64) {
	for i := range all {
		all[i].Weight = weights[i]
	}
}

func inOrderOfNames(counts map[string]int, names []string) (of []int) {
	for _, name := range names {
		of = append(of, counts[name])
	}
	return of
}

// TestWeightedSharesAcrossPlans: nearly exact, since nothing is random.
func TestWeightedSharesAcrossPlans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		weights := []float64{10, 5, 2, 2, 0.5, 0}
		names := letters(len(weights))
		all := channels(names...)
		weigh(all, weights)
		w := build(t, nil, fresh(t, "weighted"), routeTo("weighted", all))
		got := inOrderOfNames(w.swarm(func() {}), names)
		for i, n := range got {
			want := 64000 * weights[i] / 19.5
			if float64(n) < want-2 || float64(n) > want+2 {
				t.Errorf("%s was picked %d times, want %.0f", names[i], n, want)
			}
		}
	})
}

// TestWeightedSharesWithoutAnEjectedChannel: the others keep their proportions.
func TestWeightedSharesWithoutAnEjectedChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		weights := []float64{8, 4, 2, 1}
		names := letters(4)
		all := channels(names...)
		weigh(all, weights)
		w := build(t, nil, fresh(t, "weighted"), routeTo("weighted", all))
		counts := w.swarm(func() { failUntilOpen(t, w, "a") })
		rest := float64(counts["b"] + counts["c"] + counts["d"])
		for i, share := range []float64{4, 2, 1} {
			want, n := rest*share/7, float64(counts[names[i+1]])
			if n < want-8 || n > want+8 {
				t.Errorf("%s was picked %.0f times, want %.0f: %v", names[i+1], n, want, counts)
			}
		}
	})
}

// TestRandomSharesFollowTheWeights: within the bounds of chance.
func TestRandomSharesFollowTheWeights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		weights := []float64{10, 5, 2, 1, 0}
		names := letters(len(weights))
		p := planOf(sdk.RuleWeightedRandom, names...)
		for i := range weights {
			p.Groups[0].Members[i].Weight = weights[i]
		}
		w := build(t, nil, map[string]sdk.Component{"x": refreshing{always(p)}}, routeTo("x", channels(names...)))
		chiSquare(t, inOrderOfNames(w.swarm(func() {}), names), weights)
	})
}

// TestStickySessionsStay: when a channel becomes unavailable, at least 99% of the sessions of
// the others stay, its own move, and all return when it is available again.
func TestStickySessionsStay(t *testing.T) {
	const sessions = 10000
	names := letters(10)
	places := func(w *world) []string {
		at := make([]string, sessions)
		for i := range at {
			var walk Walk
			walk.Begin(w.table.Routes[0], Request{Model: "", Header: session(fmt.Sprint("session-", i))})
			at[i] = w.pick(&walk)
		}
		return at
	}
	stays := func(t *testing.T, before, after []string, gone string) {
		t.Helper()
		moved, own, spread := 0, 0, map[string]bool{}
		for i := range before {
			switch {
			case after[i] == gone || after[i] == "":
				t.Fatalf("session %d went to %q", i, after[i])
			case before[i] == gone:
				own++
				spread[after[i]] = true
			case before[i] != after[i]:
				moved++
			}
		}
		if others := sessions - own; moved*100 > others {
			t.Errorf("%d of %d sessions of other channels moved", moved, others)
		}
		// Each channel has a tenth of the sessions, give or take 5 sigma.
		if own < 850 || own > 1150 || len(spread) != 9 {
			t.Errorf("the %d sessions of %s went to %v", own, gone, slices.Collect(maps.Keys(spread)))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil, fresh(t, "sticky"), routeTo("sticky", channels(names...)))
		before := places(w)
		failUntilOpen(t, w, "d")
		stays(t, before, places(w), "d")
		time.Sleep(channel.DefaultBreaker.Open)
		w.channel("d").State.SetHealth(sdk.HealthUp, "")
		if !slices.Equal(places(w), before) {
			t.Error("sessions do not return to a channel that is available again")
		}
		// Out of the configuration, in another order: a new table on the old state.
		left := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "d" })
		slices.Reverse(left)
		stays(t, before, places(build(t, w.registry, fresh(t, "sticky"), routeTo("sticky", channels(left...)))), "d")
		// In another process nothing moves at all.
		if !slices.Equal(places(build(t, nil, fresh(t, "sticky"), routeTo("sticky", channels(names...)))), before) {
			t.Error("sessions move when the program starts again")
		}
	})
}

// TestStickyWithoutASessionGoesByLoad: choosing and taking a place are two steps, so with
// many requests at once the counts are close, but not exact.
func TestStickyWithoutASessionGoesByLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		names := letters(5)
		w := build(t, nil, fresh(t, "sticky"), routeTo("sticky", channels(names...)))
		for name, n := range w.swarm(func() {}) {
			if n < 12800*99/100 || n > 12800*101/100 {
				t.Errorf("%s was picked %d times, want about 12800", name, n)
			}
		}
	})
}
