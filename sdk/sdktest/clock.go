package sdktest

import (
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// Clock makes every instance of the component use a clock of the test, which starts at
// start. set gives an instance its clock. In a [Simulation], the time changes only by
// [Simulation.Advance].
func Clock(start time.Time, set func(c sdk.Component, now func() time.Time)) Option {
	return func(k *kit) {
		clock := &clock{time: start}
		k.clock = clock
		factory := k.factory.New
		k.factory.New = func() sdk.Component {
			c := factory()
			if c != nil {
				set(c, clock.now)
			}
			return c
		}
	}
}

// clock shows the time that a test has set.
type clock struct {
	mu   sync.Mutex
	time time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.time
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.time = c.time.Add(d)
}

// Advance advances the clock of [Clock]. If the TTL of the plan is then over, the component
// is asked for the next plan when aitunnel would ask: at the end of the TTL if the plan has
// TTLExact, otherwise at the next [Simulation.Run].
func (s *Simulation) Advance(d time.Duration) {
	s.t.Helper()
	clock := s.kit.clock
	if clock == nil {
		s.t.Fatal("Advance needs a clock: give Simulate the option sdktest.Clock")
	}
	for s.plan.TTLExact && s.plan.TTL > 0 && s.left <= d {
		d -= s.left
		clock.advance(s.left)
		s.replan()
	}
	clock.advance(d)
	s.left -= d
}

// replan asks for the next plan.
func (s *Simulation) replan() {
	s.t.Helper()
	s.plan = s.kit.sound(s.rig, s.component, s.world.question(s.plan.State))
	s.left, s.planned = s.plan.TTL, true
}
