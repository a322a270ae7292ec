// Package health has the channels' health checkers look after them at their
// intervals, and takes channels out of service and back by what they find.
package health

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// Check is the schedule of one channel's checker.
type Check struct {
	State    *channel.State
	Models   []string
	Checker  sdk.HealthChecker
	Host     sdk.Host // carries the checker's probes to the channel
	Interval time.Duration
	Timeout  time.Duration
	Fall     int // failures in a row until the channel is down
	Rise     int // successes in a row until it is up
}

// Monitor runs checks until it is closed.
type Monitor struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	runs   map[string]*run
	notice func(string)
}

// run is one channel's check with its score.
type run struct {
	Check
	turn  chan struct{} // holds a token: whoever has it makes the one check at a time
	good  int
	bad   int
	ailed bool // the last check could not be made
}

// Start runs the checks, the first of each after a moment. notice is told when
// a check cannot be made at all. The monitor closes the checkers.
func Start(checks []Check, notice func(string)) *Monitor {
	ctx, cancel := context.WithCancel(context.Background())
	m := &Monitor{ctx: ctx, cancel: cancel, runs: map[string]*run{}, notice: notice}
	for _, c := range checks {
		r := &run{Check: c, turn: make(chan struct{}, 1)}
		r.turn <- struct{}{}
		m.runs[c.State.Name()] = r
		m.wg.Go(func() { m.loop(ctx, r) })
	}
	return m
}

// Close ends the checks and closes the checkers.
func (m *Monitor) Close() {
	m.cancel()
	m.wg.Wait()
	for _, r := range m.runs {
		<-r.turn              // for good
		_ = r.Checker.Close() // its process may be gone
	}
}

// ErrNoCheck is for a channel without a health check.
var ErrNoCheck = errors.New("the channel has no health check")

// Now makes the channel's check at once, or after the one under way.
func (m *Monitor) Now(ctx context.Context, channel string) (sdk.CheckResult, error) {
	r := m.runs[channel]
	if r == nil {
		return sdk.CheckResult{}, ErrNoCheck
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.ctx, cancel)()
	return m.check(ctx, r)
}

func (m *Monitor) loop(ctx context.Context, r *run) {
	// The first checks do not come all at once.
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(min(r.Interval, time.Second)))))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if !r.State.Paused() {
			_, _ = m.check(ctx, r) // its result is in the channel's state
		}
		timer.Reset(time.Duration(float64(r.Interval) * (0.9 + 0.2*rand.Float64())))
	}
}

func (m *Monitor) check(ctx context.Context, r *run) (sdk.CheckResult, error) {
	select {
	case <-ctx.Done():
		return sdk.CheckResult{}, ctx.Err()
	case <-r.turn:
		defer func() { r.turn <- struct{}{} }()
	}
	within, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	result, err := r.Checker.Check(within, sdk.CheckRequest{Channel: r.State.Name(), Models: r.Models}, r.Host)
	if ctx.Err() != nil {
		return sdk.CheckResult{}, ctx.Err() // cut short, which says nothing
	}
	if err != nil && within.Err() != nil {
		result, err = sdk.CheckResult{Reason: fmt.Sprintf("no result within %s", r.Timeout)}, nil
	}
	if err != nil {
		// Nothing was learnt about the channel.
		if !r.ailed {
			m.notice(fmt.Sprintf("the health check of channel %q cannot be made: %v", r.State.Name(), err))
		}
		r.ailed = true
		return result, err
	}
	r.ailed = false
	r.score(result)
	return result, nil
}

func (r *run) score(result sdk.CheckResult) {
	if result.Healthy {
		r.good, r.bad = r.good+1, 0
		if r.good >= r.Rise {
			r.State.SetHealth(sdk.HealthUp, "")
		}
		return
	}
	r.good, r.bad = 0, r.bad+1
	if r.bad >= r.Fall {
		r.State.SetHealth(sdk.HealthDown, result.Reason)
	}
}
