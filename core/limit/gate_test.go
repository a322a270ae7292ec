package limit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Twenty callers of a client with 60 requests a minute are admitted at that rate.
func TestGateKeepsTheRateAndTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate()
		g.Configure(time.Now(), Rates{Requests: 60})
		begun := time.Now()
		var mu sync.Mutex
		var passed []time.Duration
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				for time.Since(begun) < 3*time.Minute {
					p, refused, err := g.Enter(t.Context(), 0, 10*time.Second)
					if err != nil {
						t.Error(err)
						return
					}
					if refused != nil {
						time.Sleep(refused.RetryAfter)
						continue
					}
					mu.Lock()
					passed = append(passed, time.Since(begun))
					mu.Unlock()
					time.Sleep(300 * time.Millisecond)
					p.Release()
				}
			})
		}
		callers.Wait()
		for _, from := range passed {
			n := 0
			for _, at := range passed {
				if at >= from && at < from+time.Minute {
					n++
				}
			}
			if n > 70 || n < 58 && from < 2*time.Minute {
				t.Fatalf("%d requests in the minute from %s", n, from)
			}
		}
	})
}

func TestGateRefusesRequestsThatWouldWaitTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate()
		g.Configure(time.Now(), Rates{Requests: 6, Burst: 1})
		if _, refused, err := g.Enter(t.Context(), 0, time.Second); refused != nil || err != nil {
			t.Fatal(refused, err)
		}
		begun := time.Now()
		_, refused, err := g.Enter(t.Context(), 0, time.Second)
		if err != nil || refused == nil || refused.Reason != RequestsPerMinute || refused.Bound != 6 || refused.RetryAfter < 9*time.Second || refused.RetryAfter > 10*time.Second {
			t.Errorf("%+v, %v", refused, err)
		}
		if time.Since(begun) != 0 {
			t.Error("it waited although it could not be admitted in time")
		}
		if _, refused, _ = g.Enter(t.Context(), 0, 10*time.Second); refused != nil || time.Since(begun) != 10*time.Second {
			t.Errorf("%+v after %s", refused, time.Since(begun))
		}
	})
}

func TestGateBoundsRequestsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGate()
		g.Configure(time.Now(), Rates{Concurrent: 2})
		first, _, _ := g.Enter(t.Context(), 0, 0)
		_, _, _ = g.Enter(t.Context(), 0, 0)
		if _, refused, _ := g.Enter(t.Context(), 0, 0); refused == nil || refused.Reason != Concurrent || refused.Bound != 2 {
			t.Errorf("%+v", refused)
		}
		begun := time.Now()
		if _, refused, _ := g.Enter(t.Context(), 0, 3*time.Second); refused == nil || time.Since(begun) != 3*time.Second {
			t.Errorf("%+v after %s", refused, time.Since(begun))
		}
		go func() {
			time.Sleep(time.Second)
			first.Release()
		}()
		begun = time.Now()
		if _, refused, _ := g.Enter(t.Context(), 0, 3*time.Second); refused != nil || time.Since(begun) != time.Second {
			t.Errorf("%+v after %s", refused, time.Since(begun))
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone"))
		if _, _, err := g.Enter(ctx, 0, time.Minute); err == nil || g.Waiting() != 0 {
			t.Errorf("%v, %d wait", err, g.Waiting())
		}
	})
}

// The clients in a queue take turns, however many requests one of them has waiting.
func TestQueuesAreFair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Queues
		room := 0
		var served []string
		var mu sync.Mutex
		try := func(who string) func() (bool, time.Duration) {
			return func() (bool, time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				if room == 0 {
					return false, time.Hour
				}
				room--
				served = append(served, who)
				return true, 0
			}
		}
		wait := func(client string, i int) {
			go func() {
				if ok, err := l.Wait(t.Context(), "kind", client, time.Minute, try(fmt.Sprint(client, i))); !ok || err != nil {
					t.Error(ok, err)
				}
			}()
			synctest.Wait()
		}
		for i := range 5 {
			wait("a", i)
		}
		wait("b", 0)
		wait("b", 1)
		if !l.Busy("kind") || l.Busy("other") || l.Waiting() != 7 {
			t.Error("the waiting requests are not counted")
		}
		for range 7 {
			mu.Lock()
			room++
			mu.Unlock()
			l.Freed()
			synctest.Wait()
		}
		if want := []string{"a0", "b0", "a1", "b1", "a2", "a3", "a4"}; !slices.Equal(served, want) {
			t.Errorf("%v, want %v", served, want)
		}
		begun := time.Now()
		if ok, _ := l.Wait(t.Context(), "kind", "a", 2*time.Second, try("late")); ok || time.Since(begun) != 2*time.Second || l.Waiting() != 0 {
			t.Errorf("%t after %s, %d wait", ok, time.Since(begun), l.Waiting())
		}
	})
}
