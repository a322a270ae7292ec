package route

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

var errDown = errors.New("the plugin is down")

// TestPlansAreRenewedWhenTheyExpire: by a pick after the TTL, in the
// background, with the state of the last plan and the outcomes since then.
func TestPlansAreRenewedWhenTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			n := len(a.requests())
			p := planOf(sdk.RuleOrder, "a", "b")
			if n > 1 {
				p = planOf(sdk.RuleOrder, "b", "a")
			}
			p.TTL, p.State = 10*time.Second, fmt.Append(nil, "state ", n)
			return p, nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		p, _ := w.walk("").Next(w.registry.Now())
		time.Sleep(time.Second)
		p.Lease.Answered(w.registry.Now(), "", "")
		p.Lease.Succeed(w.registry.Now())
		after(7 * time.Second)
		if got := w.pick(w.walk("")); got != "a" || len(a.requests()) != 1 {
			t.Fatalf("picked %s after %d plans, want a by the first", got, len(a.requests()))
		}
		after(4 * time.Second)
		if got := w.pick(w.walk("")); got != "a" {
			t.Fatalf("the pick that finds the plan expired got %s: it is served by the old plan", got)
		}
		synctest.Wait()
		if got := w.pick(w.walk("")); got != "b" {
			t.Fatalf("picked %s by the new plan", got)
		}
		second := a.requests()[1]
		if string(second.State) != "state 1" {
			t.Errorf("the strategy was handed the state %q", second.State)
		}
		if want := (sdk.Outcome{ID: "a", Successes: 1, TTFB: time.Second}); len(second.Outcomes) != 1 || second.Outcomes[0] != want {
			t.Errorf("outcomes %+v, want %+v", second.Outcomes, want)
		}
		if len(second.RouteOutcomes) != 1 || second.RouteOutcomes[0] != second.Outcomes[0] {
			t.Errorf("outcomes of the route %+v", second.RouteOutcomes)
		}
		if info := w.table.Routes[0].Plan(); info.Seq != 2 || info.Core {
			t.Errorf("plan %+v", info)
		}
		if n := w.noted(); len(n) > 0 {
			t.Errorf("notices of a working strategy: %q", n)
		}
	})
}

func TestWithoutPicksThePlanIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := always(planOf(sdk.RuleOrder, "a"))
		build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a")))
		after(24 * time.Hour)
		if n := len(a.requests()); n != 1 {
			t.Errorf("%d plans in a day without a request", n)
		}
	})
}

// TestChangesRenewPlans: the changes that the plan names, at a limited rate.
func TestChangesRenewPlans(t *testing.T) {
	for _, tt := range []struct {
		on     []sdk.Change
		change func(w *world, i int)
		asked  bool
	}{
		{[]sdk.Change{sdk.ChangeHealth}, flapHealth, true},
		{[]sdk.Change{sdk.ChangeLimits}, flapHealth, false},
		{[]sdk.Change{sdk.ChangeLimits}, flapKey, true},
		{[]sdk.Change{sdk.ChangeHealth}, flapKey, false},
		{nil, flapHealth, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := planOf(sdk.RuleOrder, "a", "b")
			p.TTL, p.InvalidateOn = time.Hour, tt.on
			a := always(p)
			w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a:k", "b")))
			for i := range 10000 { // 10 s of 1000 changes a second
				tt.change(w, i)
				w.pick(w.walk(""))
				after(time.Millisecond)
			}
			n := len(a.requests())
			if !tt.asked && n != 1 {
				t.Errorf("on %v: %d plans, want only the first", tt.on, n)
			}
			if tt.asked && (n < 10 || n > 10*1000/225+2) {
				t.Errorf("on %v: %d plans in 10 s, want one each 250 ms at most", tt.on, n)
			}
		})
	}
}

func flapHealth(w *world, i int) {
	w.channel("b").State.SetHealth([]sdk.Health{sdk.HealthDown, sdk.HealthUp}[i%2], "flapping")
}

func flapKey(w *world, i int) {
	k := w.channel("a").Keys[0].State
	if i%2 == 0 {
		k.Invalidate(w.registry.Now(), "", 0, "401")
	} else {
		k.Reset()
	}
}

func TestPicksDoNotWaitForAHangingStrategy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(ctx context.Context, _ sdk.PlanRequest) (sdk.Plan, error) {
			if len(a.requests()) > 1 {
				<-ctx.Done()
				return sdk.Plan{}, ctx.Err()
			}
			return planOf(sdk.RuleOrder, "a", "b"), nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		time.Sleep(time.Minute)
		begun := time.Now()
		if got := w.picks(1000); got != strings.TrimSpace(strings.Repeat("a ", 1000)) {
			t.Error("the last plan is no longer used")
		}
		if d := time.Since(begun); d != 0 {
			t.Errorf("1000 picks waited %s", d)
		}
		if n := len(a.requests()); n > 2 {
			t.Errorf("%d calls at once", n-1)
		}
		after(2*planDeadline - time.Since(begun))
		if n := w.noted(); len(n) != 1 || !strings.Contains(n[0], "the last one stays in use") {
			t.Errorf("notices %q", n)
		}
	})
}

// TestAFailingStrategyIsAskedLessOften: there is one notice of the failure, and one of the
// recovery.
func TestAFailingStrategyIsAskedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing bool
		var mu sync.Mutex
		a := &author{plan: func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			mu.Lock()
			defer mu.Unlock()
			if failing {
				return sdk.Plan{}, errDown
			}
			p := planOf(sdk.RuleOrder, "b", "a")
			p.TTL = time.Second
			return p, nil
		}}
		set := func(f bool) { mu.Lock(); defer mu.Unlock(); failing = f }
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		set(true)
		var at []time.Duration
		begun := time.Now()
		for len(at) < 12 {
			before := len(a.requests())
			if got := w.pick(w.walk("")); got != "b" {
				t.Fatalf("picked %q: the last plan is no longer used", got)
			}
			after(10 * time.Millisecond)
			if len(a.requests()) > before {
				at = append(at, time.Since(begun))
			}
		}
		for i := 2; i < len(at); i++ {
			want := min(minRefresh<<min(i, 7), maxRefresh)
			if pause := at[i] - at[i-1]; pause < want*85/100 || pause > want*115/100+20*time.Millisecond {
				t.Errorf("the pause after %d failures is %s, want about %s", i, pause, want)
			}
		}
		set(false)
		after(maxRefresh * 2)
		w.pick(w.walk(""))
		synctest.Wait()
		n := w.noted()
		if len(n) != 2 || !strings.Contains(n[0], errDown.Error()) || !strings.Contains(n[1], "up to date again") {
			t.Errorf("notices %q", n)
		}
	})
}

func TestAnOldPlanIsReplacedByTheCorePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			if n := len(a.requests()); n > 1 && n < 20 {
				return sdk.Plan{}, errDown
			}
			p := planOf(sdk.RuleOrder, "a", "b")
			p.TTL, p.MaxStale, p.State = time.Second, 10*time.Second, []byte("learned")
			return p, nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b", "c")))
		for range 98 { // up to 9.8 s
			if got := w.pick(w.walk("")); got != "a" {
				t.Fatalf("picked %s while the plan is not too old", got)
			}
			after(100 * time.Millisecond)
		}
		after(time.Second)
		if got := w.picks(6); got != "a b c a b c" && got != "b c a b c a" {
			t.Errorf("picked %s, want all in turn", got)
		}
		if info := w.table.Routes[0].Plan(); !info.Core || !strings.Contains(info.Reason, "too old") {
			t.Errorf("plan %+v", info)
		}
		var corePlans int
		for _, n := range w.noted() {
			if strings.Contains(n, "core plan") {
				corePlans++
			}
		}
		if corePlans != 1 {
			t.Errorf("%d notices of the core plan: %q", corePlans, w.noted())
		}
		for len(a.requests()) < 20 {
			w.pick(w.walk(""))
			after(time.Second)
		}
		if got := w.picks(3); got != "a a a" {
			t.Errorf("picked %s after the strategy came back", got)
		}
		if last := a.requests()[19]; string(last.State) != "learned" {
			t.Errorf("the state that came back is %q", last.State)
		}
	})
}

// TestAStalePlanIsReplacedOnce: many requests find it at once.
func TestAStalePlanIsReplacedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			if len(a.requests()) > 1 {
				return sdk.Plan{}, errDown
			}
			p := planOf(sdk.RuleOrder, "a", "b")
			p.MaxStale = time.Second
			return p, nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		time.Sleep(time.Hour)
		w.pick(w.walk("")) // finds out that the plugin is down
		synctest.Wait()
		start := make(chan struct{})
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				<-start
				w.pick(w.walk(""))
			})
		}
		close(start)
		wg.Wait()
		synctest.Wait()
		if info := w.table.Routes[0].Plan(); info.Seq != 2 {
			t.Errorf("plan %d is in place, want the second: %q", info.Seq, w.noted())
		}
	})
}

// TestCloseEndsAll: running calls are canceled, components are closed once, and picks
// continue with the last plan, without calls.
func TestCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &author{}
		a.plan = func(ctx context.Context, _ sdk.PlanRequest) (sdk.Plan, error) {
			if len(a.requests()) > 1 {
				<-ctx.Done()
				a.mu.Lock()
				defer a.mu.Unlock()
				if a.closed > 0 {
					t.Error("a component was closed with a call under way")
				}
				return sdk.Plan{}, ctx.Err()
			}
			return planOf(sdk.RuleOrder, "a", "b"), nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a", "b")))
		time.Sleep(time.Minute)
		w.pick(w.walk(""))
		synctest.Wait()
		w.table.Close()
		time.Sleep(time.Hour)
		if got := w.picks(3); got != "a a a" {
			t.Errorf("picked %s after Close", got)
		}
		synctest.Wait()
		if n := len(a.requests()); n != 2 || a.closed != 1 {
			t.Errorf("%d calls and %d closes, want 2 and 1", n, a.closed)
		}
	})
}

// TestCloseDuringPicks: no call may begin once Close has returned.
func TestCloseDuringPicks(t *testing.T) {
	for range 50 {
		a := &author{}
		a.plan = func(context.Context, sdk.PlanRequest) (sdk.Plan, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			if a.closed > 0 {
				t.Error("a closed component was called")
			}
			return planOf(sdk.RuleOrder, "a"), nil
		}
		w := build(t, nil, map[string]sdk.Component{"x": a}, routeTo("x", channels("a")))
		p := w.table.Routes[0].planner
		stale := *p.current.Load()
		stale.expires = time.Time{}
		p.current.Store(&stale) // obsolete: the next pick asks
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { w.pick(w.walk("")) })
		}
		w.table.Close()
		wg.Wait()
	}
}

// TestTheCorePlanNeverReplacesANewPlan: one that arrived after the last plan was found to be
// too old.
func TestTheCorePlanNeverReplacesANewPlan(t *testing.T) {
	w := build(t, nil, map[string]sdk.Component{"x": always(planOf(sdk.RuleOrder, "a"))}, routeTo("x", channels("a")))
	p := w.table.Routes[0].planner
	old := p.current.Load()
	if err := p.refresh(planDeadline); err != nil {
		t.Fatal(err)
	}
	p.installCorePlan(old, errDown)
	if info := w.table.Routes[0].Plan(); info.Core || info.Seq != 2 || len(w.noted()) > 0 {
		t.Errorf("plan %+v, notices %q", info, w.noted())
	}
}
