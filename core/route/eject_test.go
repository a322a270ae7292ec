package route

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// served returns the channels that serve n requests.
func (w *world) served(n int) []string {
	seen := map[string]bool{}
	for range n {
		if c := w.pick(w.walk("")); c != "" {
			seen[c] = true
		}
	}
	var names []string
	for _, c := range w.table.Channels {
		if seen[c.Config.Name] {
			names = append(names, c.Config.Name)
		}
	}
	return names
}

// TestBreakersEjectAtMostHalf: of a route's channels; those whose breakers opened first, or
// those listed first if they opened at the same time.
func TestBreakersEjectAtMostHalf(t *testing.T) {
	for n, ejected := range map[int]int{1: 0, 2: 1, 3: 2, 4: 2, 5: 3, 6: 3} {
		for _, apart := range []time.Duration{time.Millisecond, 0} {
			t.Run(fmt.Sprint(n, " channels, breakers ", apart, " apart"), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var names []string
					for i := range n {
						names = append(names, string(rune('a'+i)))
					}
					w := build(t, nil, nil, routeTo("round-robin", channels(names...)))
					for _, name := range names {
						w.trip(name)
						time.Sleep(apart)
					}
					if got := w.served(3 * n); !slices.Equal(got, names[ejected:]) {
						t.Errorf("with all breakers open %v serve, want %v", got, names[ejected:])
					}
				})
			})
		}
	}
}

func TestPausedChannelsDoNotCountAmongTheEjected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := build(t, nil, nil, routeTo("round-robin", channels("a", "b", "c", "d")))
		w.channel("a").State.SetPaused(true)
		w.channel("b").State.SetPaused(true)
		w.trip("c")
		time.Sleep(time.Millisecond)
		w.trip("d")
		if got := w.served(6); !slices.Equal(got, []string{"d"}) {
			t.Errorf("of two that are left, with open breakers, %v serve, want d", got)
		}
	})
}

func TestAHalfOpenChannelTakesOneRequestAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := inOrderOf(t, channels("a", "b", "c")...)
		w.trip("a")
		time.Sleep(10 * time.Second)
		trial, _ := w.walk("").Next(w.registry.Now())
		if nameOf(trial) != "a" {
			t.Fatalf("picked %s when a is half-open", nameOf(trial))
		}
		if got := w.pick(w.walk("")); got != "b" {
			t.Errorf("picked %s while a is being tried", got)
		}
		trial.Lease.Answered(w.registry.Now(), "", "")
		trial.Lease.Succeed(w.registry.Now())
		if got := w.pick(w.walk("")); got != "a" {
			t.Errorf("picked %s after the trial went well", got)
		}
	})
}
