package health

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestIntervalsAreJittered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		w := monitored(t, results(healthy))
		time.Sleep(200 * interval)
		synctest.Wait()
		at := w.checker.times()
		if first := at[0].Sub(begun); first >= time.Second {
			t.Errorf("the first check comes after %s", first)
		}
		var shortest, longest time.Duration = interval, 0
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			shortest, longest = min(shortest, pause), max(longest, pause)
		}
		// Of 200 draws none in the outer quarter on one side: 1 in 10^25.
		if shortest < interval*9/10 || shortest > interval*95/100 || longest > interval*11/10 || longest < interval*105/100 {
			t.Errorf("pauses from %s to %s, want them spread over 54 s to 66 s", shortest, longest)
		}
		if n := len(at); n < 180 || n > 223 {
			t.Errorf("%d checks in 200 minutes", n)
		}
		if got := w.checker.asked; got.Channel != "a" || len(got.Models) != 1 || got.Models[0] != "gpt-4o" || w.checker.host.(*site).Host != (host{}) {
			t.Errorf("the checker was asked %+v", got)
		}
	})
}

func TestFirstChecksAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		registry := channel.NewRegistry(channel.Options{})
		var checks []Check
		var doctors []*checker
		for i := range 20 {
			d := &checker{t: t, result: results(healthy)}
			doctors = append(doctors, d)
			checks = append(checks, Check{
				State: registry.Channel(string(rune('a'+i)), "t"), Checker: d,
				Interval: interval, Timeout: timeout, Fall: 3, Rise: 1,
			})
		}
		m := Start(checks, func(string) {})
		time.Sleep(2 * time.Second)
		m.Close()
		early := 0
		for _, d := range doctors {
			if d.at[0].Sub(begun) < time.Second/2 {
				early++
			}
		}
		if early == 0 || early == len(doctors) {
			t.Errorf("%d of 20 first checks come within the first half second", early)
		}
	})
}

func TestFallAndRise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, results(unhealthy, unhealthy, healthy, unhealthy, unhealthy, unhealthy, unhealthy, healthy, unhealthy, unhealthy, healthy))
		for i, want := range []bool{false, false, false, false, false, true, true, false, false, false, false} {
			w.check(t)
			if w.down() != want {
				t.Fatalf("after check %d: down %v, want %v", i+1, w.down(), want)
			}
			if want && w.state.View(time.Now()).Reason != unhealthy.Reason {
				t.Errorf("the reason is %q", w.state.View(time.Now()).Reason)
			}
		}
	})
}

func TestPassedCheckClosesTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, results(unhealthy, healthy))
		w.check(t)
		for range channel.DefaultBreaker.Failures {
			l, _ := w.state.Acquire(time.Now(), 0, true)
			l.Fail(time.Now(), "502")
		}
		w.check(t)
		if skip := w.state.Skip(time.Now()); skip != "" {
			t.Errorf("after a passed check: %s", skip)
		}
	})
}

func TestRiseNeedsSeveralSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &checker{t: t, result: results(unhealthy, healthy, unhealthy, healthy, healthy)}
		state := channel.NewRegistry(channel.Options{}).Channel("a", "t")
		m := Start([]Check{{State: state, Checker: d, Interval: interval, Timeout: timeout, Fall: 1, Rise: 2}}, func(string) {})
		defer m.Close()
		for i, want := range []channel.Skip{channel.SkipCheckFailed, channel.SkipCheckFailed, channel.SkipCheckFailed, channel.SkipCheckFailed, ""} {
			if _, err := m.Now(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
			if skip := state.Skip(time.Now()); skip != want {
				t.Fatalf("after check %d: %q, want %q", i+1, skip, want)
			}
		}
	})
}

// hanging is a channel that never answers.
type hanging struct{}

func (hanging) Probe(ctx context.Context, _ sdk.ProbeRequest) (sdk.ProbeResult, error) {
	<-ctx.Done()
	return sdk.ProbeResult{}, ctx.Err()
}

// TestAHangingSiteIsDown: a probe without an answer counts like any failure, whether the
// check ends with the probe or before it.
func TestAHangingSiteIsDown(t *testing.T) {
	for name, probe := range map[string]func(context.Context, sdk.Host) error{
		"the checker waits for the probe": func(ctx context.Context, h sdk.Host) error {
			_, err := h.Probe(ctx, sdk.ProbeRequest{Path: "/"})
			return err
		},
		"the probe ends after the check": func(ctx context.Context, h sdk.Host) error {
			later, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*timeout)
			go func() {
				defer cancel()
				_, _ = h.Probe(later, sdk.ProbeRequest{Path: "/"})
			}()
			<-ctx.Done()
			return ctx.Err()
		},
		"a deadline that is a millisecond early, as that of a plugin is": func(ctx context.Context, h sdk.Host) error {
			deadline, _ := ctx.Deadline()
			early, cancel := context.WithDeadline(ctx, deadline.Add(-time.Millisecond))
			defer cancel()
			_, err := h.Probe(early, sdk.ProbeRequest{Path: "/"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var w *fixture
				w = monitoredAt(t, hanging{}, func(ctx context.Context, _ int) (sdk.CheckResult, error) {
					return healthy, probe(ctx, w.checker.host)
				})
				for range 3 {
					begun := time.Now()
					r, err := w.Now(t.Context(), "a")
					if err != nil || r.Healthy || !strings.Contains(r.Reason, "no answer within 5s") {
						t.Errorf("result %+v, %v", r, err)
					}
					if d := time.Since(begun).Round(time.Second); d != timeout && d != 2*timeout { // the schedule's own may be under way
						t.Errorf("it took %s", d)
					}
				}
				if !w.down() {
					t.Error("three probes got no answer, and the channel is up")
				}
				if n := w.noticed(); len(n) > 0 {
					t.Errorf("notices %q", n)
				}
				w.Close()
				time.Sleep(2 * timeout) // the last probe ends
			})
		})
	}
}

// TestAHangingCheckerDoesNotAffectTheChannel: without an unanswered probe, the site is not
// the cause.
func TestAHangingCheckerDoesNotAffectTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, func(ctx context.Context, n int) (sdk.CheckResult, error) {
			if n == 1 {
				return healthy, nil
			}
			<-ctx.Done()
			return sdk.CheckResult{}, ctx.Err()
		})
		w.check(t)
		for range 5 {
			if _, err := w.Now(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "the checker gave no result within 5s") {
				t.Errorf("error %v", err)
			}
		}
		if v := w.state.View(time.Now()); v.Health != sdk.HealthUp || v.Skip != "" || !strings.Contains(v.CheckError, "no result within 5s") {
			t.Errorf("health %s, skip %q, check error %q", v.Health, v.Skip, v.CheckError)
		}
		if n := w.noticed(); len(n) != 1 || !strings.Contains(n[0], "could not be made") {
			t.Errorf("notices %q", n)
		}
	})
}

// TestAFailingCheckerDoesNotAffectTheChannel: one notice reports it until a check can be made
// again.
func TestAFailingCheckerDoesNotAffectTheChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		crashed := errors.New("the plugin is not running")
		w := monitored(t, func(_ context.Context, n int) (sdk.CheckResult, error) {
			switch n {
			case 1, 2, 9:
				return unhealthy, nil
			case 10:
				return unhealthy, crashed
			}
			return sdk.CheckResult{}, crashed
		})
		for n := 1; n <= 8; n++ {
			if _, err := w.Now(t.Context(), "a"); (err != nil) != (n > 2) {
				t.Errorf("check %d: %v", n, err)
			}
		}
		if w.down() {
			t.Error("checks that were not made count as failures")
		}
		if n := w.noticed(); len(n) != 1 || !strings.Contains(n[0], `channel "a"`) || !strings.Contains(n[0], crashed.Error()) {
			t.Errorf("notices %q", n)
		}
		w.check(t)
		if !w.down() {
			t.Error("checks that were not made reset the failures")
		}
		_, _ = w.Now(t.Context(), "a")
		if n := w.noticed(); len(n) != 2 {
			t.Errorf("notices %q, want one for each run of checks that were not made", n)
		}
	})
}

// TestChecksNeverOverlap: scheduled and requested ones, if each takes longer than the
// interval. The checker verifies it.
func TestChecksNeverOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, func(context.Context, int) (sdk.CheckResult, error) {
			time.Sleep(2 * interval) // ignores the context
			return healthy, nil
		})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { w.check(t) })
		}
		wg.Wait()
		time.Sleep(10 * interval)
		if n := len(w.checker.times()); n < 6 {
			t.Errorf("%d checks", n)
		}
	})
}

func TestPausedChannelsAreNotChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, results(healthy))
		w.state.SetPaused(true)
		time.Sleep(10 * interval)
		synctest.Wait()
		if n := len(w.checker.times()); n != 0 {
			t.Errorf("%d checks of a paused channel", n)
		}
		w.check(t) // one that the user requests is made
		w.state.SetPaused(false)
		time.Sleep(2 * interval)
		synctest.Wait()
		if n := len(w.checker.times()); n < 2 {
			t.Error("no checks after the pause")
		}
	})
}

// TestCloseEndsChecks: a running check is canceled and does not count; after its end, the
// checker is closed, and no other check begins.
func TestCloseEndsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &checker{t: t, result: func(ctx context.Context, _ int) (sdk.CheckResult, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			return sdk.CheckResult{}, ctx.Err()
		}}
		state := channel.NewRegistry(channel.Options{}).Channel("a", "t")
		var notices []string
		m := Start([]Check{{State: state, Checker: d, Interval: interval, Timeout: timeout, Fall: 1, Rise: 1}},
			func(message string) { notices = append(notices, message) })
		time.Sleep(time.Second + time.Millisecond)
		begun := time.Now()
		m.Close()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("Close took %s, want the second that the check takes to end", took)
		}
		time.Sleep(time.Hour)
		if n := len(d.times()); n != 1 || d.closed != 1 {
			t.Errorf("%d checks and %d closes, want 1 and 1", n, d.closed)
		}
		if skip := state.Skip(time.Now()); skip != "" || len(notices) > 0 {
			t.Errorf("after a canceled check: %q, notices %q", skip, notices)
		}
	})
}

// TestCloseEndsARequestedCheck: the checker is closed after it.
func TestCloseEndsARequestedCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &checker{t: t, result: func(ctx context.Context, _ int) (sdk.CheckResult, error) {
			select {
			case <-ctx.Done():
				return sdk.CheckResult{}, ctx.Err()
			case <-time.After(3 * time.Second):
				return healthy, nil
			}
		}}
		state := channel.NewRegistry(channel.Options{}).Channel("a", "t")
		state.SetPaused(true) // no check by the schedule
		m := Start([]Check{{State: state, Checker: d, Interval: interval, Timeout: timeout, Fall: 1, Rise: 1}}, func(string) {})
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = m.Now(t.Context(), "a") })
		synctest.Wait()
		m.Close()
		wg.Wait()
		if _, err := m.Now(t.Context(), "a"); err == nil {
			t.Error("a closed monitor makes checks")
		}
	})
}

func TestNowWithoutACheck(t *testing.T) {
	m := Start(nil, func(string) {})
	defer m.Close()
	if _, err := m.Now(t.Context(), "z"); !errors.Is(err, ErrNoCheck) {
		t.Errorf("error %v", err)
	}
}

func TestACallersDeadlineDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := monitored(t, func(ctx context.Context, _ int) (sdk.CheckResult, error) {
			<-ctx.Done()
			return sdk.CheckResult{}, ctx.Err()
		})
		w.state.SetPaused(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Now(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v: a caller's own deadline says nothing about the channel", err)
		}
		if n := w.noticed(); len(n) > 0 {
			t.Errorf("notices %q", n)
		}
	})
}
