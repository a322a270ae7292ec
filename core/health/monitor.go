// Package health runs the health checkers of channels at their intervals, and sets the
// health of channels by the results.
package health

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// Check is the schedule of one channel's checker.
type Check struct {
	State    *channel.State
	Models   []string
	Keys     []Key
	Checker  sdk.HealthChecker
	Host     sdk.Host // sends the checker's probes to the channel
	Interval time.Duration
	Timeout  time.Duration
	Fall     int // failures in a row until the channel is down
	Rise     int // successes in a row until it is up

	Channel *config.Channel // what the probes depend on
}

// Key is a key of the channel, for which a check may have a result.
type Key struct {
	ID    string
	Label string
	State *channel.Key
}

// same reports whether the check can continue as the other one.
func (c *Check) same(other *Check) bool {
	return c.State == other.State && c.Checker == other.Checker && c.Channel != nil && other.Channel != nil && c.Channel.Same(other.Channel)
}

// Monitor runs checks until it is closed.
type Monitor struct {
	ctx    context.Context
	cancel context.CancelFunc
	notice func(string)

	mu   sync.Mutex
	runs map[string]*run
}

// run is one channel's check, with its consecutive results.
type run struct {
	Check
	turn    chan struct{} // holds a token, which a check needs: one runs at a time
	good    int
	bad     int
	failing bool // the last check could not be made

	ctx context.Context
	end context.CancelFunc
	wg  sync.WaitGroup
}

// Start runs the checks, the first of each after a short delay. notice is called
// when a check cannot be made at all. The monitor closes the checkers.
func Start(checks []Check, notice func(string)) *Monitor {
	m := &Monitor{notice: notice}
	m.ctx, m.cancel = context.WithCancel(context.Background())
	m.Set(checks)
	return m
}

// Set replaces the checks. One that stays the same keeps its results and its
// schedule, so that a failing channel is found also while the configuration
// changes often. A channel that no longer has a check counts as unknown.
func (m *Monitor) Set(checks []Check) {
	m.mu.Lock()
	old := m.runs
	m.runs = map[string]*run{}
	unchecked := map[*channel.State]bool{}
	for _, r := range old {
		unchecked[r.State] = true
	}
	for _, c := range checks {
		name := c.State.Name()
		delete(unchecked, c.State)
		if r := old[name]; r != nil && r.same(&c) {
			_ = c.Checker.Close() // a second instance; the first stays in use
			m.runs[name] = r
			delete(old, name)
			continue
		}
		m.runs[name] = m.run(c)
	}
	m.mu.Unlock()
	for _, r := range old {
		r.close()
	}
	for state := range unchecked {
		state.SetHealth(sdk.HealthUnknown, "")
	}
}

func (m *Monitor) run(c Check) *run {
	r := &run{Check: c, turn: make(chan struct{}, 1)}
	r.turn <- struct{}{}
	r.ctx, r.end = context.WithCancel(m.ctx)
	r.wg.Go(func() { m.loop(r) })
	return r
}

func (r *run) close() {
	r.end()
	r.wg.Wait()
	<-r.turn              // not put back, so that no further check starts
	_ = r.Checker.Close() // fails if its process ended, which does not matter
}

// Close ends the checks and closes the checkers.
func (m *Monitor) Close() {
	m.cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.runs {
		r.close()
	}
	m.runs = nil
}

// ErrNoCheck is for a channel without a health check.
var ErrNoCheck = errors.New("the channel has no health check")

// Now runs the channel's check immediately, or after a running one.
func (m *Monitor) Now(ctx context.Context, channel string) (sdk.CheckResult, error) {
	m.mu.Lock()
	r := m.runs[channel]
	m.mu.Unlock()
	if r == nil {
		return sdk.CheckResult{}, ErrNoCheck
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	return m.check(ctx, r)
}

func (m *Monitor) loop(r *run) {
	// Spread the first checks.
	timer := time.NewTimer(time.Duration(rand.Int64N(int64(min(r.Interval, time.Second)))))
	defer timer.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
		}
		if !r.State.Paused() {
			_, _ = m.check(r.ctx, r) // the result is in the channel's state
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
	site := &site{Host: r.Host, check: within}
	result, err := r.Checker.Check(within, r.request(), site)
	if ctx.Err() != nil {
		return sdk.CheckResult{}, ctx.Err() // canceled: says nothing about the channel
	}
	if err != nil && isOver(within) {
		if site.silent() {
			result, err = sdk.CheckResult{Reason: fmt.Sprintf("no answer within %s", r.Timeout)}, nil
		} else {
			err = fmt.Errorf("the checker gave no result within %s", r.Timeout)
		}
	}
	if err != nil {
		// The check failed, not the channel.
		if !r.failing {
			m.notice(fmt.Sprintf("the health check of channel %q could not be made: %v", r.State.Name(), err))
		}
		r.State.SetCheckError(err.Error())
		r.failing = true
		return result, err
	}
	r.failing = false
	r.State.SetCheckError("")
	r.apply(result)
	r.applyToKeys(result.Keys, time.Now())
	return result, nil
}

func (r *run) request() sdk.CheckRequest {
	req := sdk.CheckRequest{Channel: r.State.Name(), Models: r.Models}
	for _, k := range r.Keys {
		req.Keys = append(req.Keys, sdk.CheckKey{ID: k.ID, Label: k.Label})
	}
	return req
}

// keyCooldown is the cooldown of a key if the check names no end.
const keyCooldown = time.Minute

// applyToKeys applies the results of a check for single keys.
func (r *run) applyToKeys(results []sdk.KeyResult, now time.Time) {
	for _, result := range results {
		i := slices.IndexFunc(r.Keys, func(k Key) bool { return k.ID == result.ID })
		if i < 0 {
			continue
		}
		k, reason := r.Keys[i].State, cmp.Or(result.Reason, string(result.State))
		switch result.State {
		case sdk.KeyOK:
			k.SetChecked(now, "", 0, "")
		case sdk.KeyCooldown:
			wait := keyCooldown
			if !result.Until.IsZero() {
				wait = result.Until.Sub(now)
			}
			if wait > 0 {
				k.SetChecked(now, channel.SkipCooldown, wait, reason)
			}
		case sdk.KeySpent:
			k.SetChecked(now, channel.SkipQuotaSpent, 0, reason)
		case sdk.KeyInvalid:
			k.SetChecked(now, channel.SkipInvalidKey, 0, reason)
		}
	}
}

// apply counts the result, and sets the channel's health once enough results agree.
func (r *run) apply(result sdk.CheckResult) {
	defer r.State.Checked()
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
